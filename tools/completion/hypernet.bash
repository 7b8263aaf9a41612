# Completion of hypernet for bash: the program itself knows its commands, options, recipes and keys ('hypernet __complete').
# Where it has nothing to offer, file names are completed.
_hypernet()
{
    local words=() word last="" i found prefix
    # '=' is a word of its own here; "--set", "model.cell", "=", "ls" is one argument and its value.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ ${#words[@]} -gt 0 && ($word == "=" || $last == "=") ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        last=$word
    done
    COMPREPLY=()
    while IFS= read -r found; do
        COMPREPLY+=("$found")
    done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
    # What stands before the last '=' is there already.
    word=${words[${#words[@]} - 1]}
    if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
        prefix=${word%=*}=
        COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _hypernet hypernet
