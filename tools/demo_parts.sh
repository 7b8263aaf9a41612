# What the demonstrations share: trainings side by side, followed until they are done. Read by demo.sh and demo_images.sh, which set
# `folder`, say what a run is called (name_of RUN), and have its training write FOLDER/RUN.log.

# follow RUN PID ...: a line for each now and then, until all are done; the first that fails ends the others and us.
follow() {
    while [ $# -gt 0 ]; do
        sleep 10
        show_progress "$@"
        left=$#
        while [ "$left" -gt 0 ]; do
            run=$1 process=$2
            shift 2
            left=$((left - 2))
            if kill -0 "$process" 2>/dev/null; then
                set -- "$@" "$run" "$process"
            elif ! wait "$process"; then
                cat "$folder/$run.log" >&2
                end_all "$@"
                exit 1
            fi
        done
    done
}
end_all() {
    while [ $# -gt 0 ]; do
        kill "$2" 2>/dev/null || true
        wait "$2" || true
        shift 2
    done
}
show_progress() {
    while [ $# -gt 0 ]; do
        printf '%-14s %s\n' "$(name_of "$1")" "$(grep '^step' "$folder/$1.log" | tail -n 1)"
        shift 2
    done
}

# figure FILE KEY: the first number of that key in a JSON file.
figure() { sed -n "s/.*\"$2\": *\([0-9.]*\).*/\1/p" "$1" | head -n 1; }
