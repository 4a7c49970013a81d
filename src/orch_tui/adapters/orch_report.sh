#!/bin/sh
# orch-report working|blocked|done|failed [SUMMARY...]   says how this agent stands, in .orch/status.json
case ${1-} in
working | blocked | done | failed) state=$1 ;;
*) echo 'usage: orch-report working|blocked|done|failed "one line of summary"' >&2; exit 2 ;;
esac
shift
LC_ALL=C; export LC_ALL
dir=${ORCH_DIR:-.orch}
line=$(printf %s "$*" | tr '\001-\037\177' ' ')
text=$(printf %s "$line" | iconv -c -f UTF-8 -t UTF-8 2>/dev/null); text=${text:-$line}
cont=$(printf '\200-\277'); char="[^$cont][$cont]*" # one character of UTF-8, seen as bytes
text=$(printf '%s\n' "$text" | sed -e "s/^\(\($char\)\{0,250\}\($char\)\{0,250\}\).*/\1/" -e 's/[\\"]/\\&/g')
mkdir -p "$dir" || exit 1
commit=$(git -C "$dir/.." rev-parse -q --verify HEAD 2>/dev/null)
new=$dir/.status.$$
printf '{"v":1,"run":"%s","state":"%s","at":"%s","commit":"%s","summary":"%s"}\n' \
  "${ORCH_RUN-}" "$state" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$commit" "$text" >"$new" && mv -f "$new" "$dir/status.json"
