# bash completion for chatlog
_chatlog() {
    local line wide=0 tab=$'\t'
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
        line=${line%%"$tab"*}
        (( ${#line} > wide )) && wide=${#line}
    done < <(_CHATLOG_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    # what it is about stands beside it where there is more than one to choose from, and the shell only lists them
    if (( ${#COMPREPLY[@]} < 2 )) || [[ $COMP_TYPE == 37 || $COMP_TYPE == 42 ]]; then
        COMPREPLY=("${COMPREPLY[@]%%"$tab"*}")
        return
    fi
    local at
    for at in "${!COMPREPLY[@]}"; do
        line=${COMPREPLY[at]}
        [[ $line == *"$tab"* ]] || continue
        printf -v line '%-*s  %s' "$wide" "${line%%"$tab"*}" "${line#*"$tab"}"
        COMPREPLY[at]=${line:0:${COLUMNS:-80}-1}
    done
}
complete -o default -o nosort -F _chatlog chatlog 2>/dev/null || complete -o default -F _chatlog chatlog
