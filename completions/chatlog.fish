# fish completion for chatlog
function __chatlog_complete
    set -l current (commandline -ct)
    set -l found (_CHATLOG_COMPLETE=fish command chatlog (commandline -opc)[2..] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path "$current"
    end
end
complete --command chatlog --no-files --keep-order --arguments '(__chatlog_complete)'
