# bash completion for chatlog
_chatlog() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(_CHATLOG_COMPLETE=bash "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -o nosort -F _chatlog chatlog 2>/dev/null || complete -o default -F _chatlog chatlog
