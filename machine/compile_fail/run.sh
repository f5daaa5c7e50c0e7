#!/bin/sh
# Checks that each file here fails to compile with the error named in its first line (and the control compiles).
# Usage: run.sh [NAME…]. Needs what building the kernel needs; CARGO and RUSTC are honoured, BUILD_STD=1 builds core and alloc.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=x86_64-unknown-none
out=${OUT:-$root/target/compile_fail}
rustc=${RUSTC:-rustc}
std=
if [ "${BUILD_STD:-0}" = 1 ]; then
    std=-Zbuild-std=core,alloc
fi
mkdir -p "$out"
cd "$root"
# One build of the crate; its message tells where its metadata is.
${CARGO:-cargo} check -q -p machine $std --target $target --target-dir "$out/build" --message-format=json >"$out/messages" || {
    echo "compile_fail: machine itself does not compile" >&2
    exit 1
}
deps=$out/build/$target/debug/deps
metadata=$(grep -o "$deps/libmachine-[0-9a-f]*\.rmeta" "$out/messages" | tail -1)
std_externs=
if [ -n "$std" ]; then
    for crate in core alloc compiler_builtins; do
        file=$(grep -o "$deps/lib$crate-[0-9a-f]*\.rmeta" "$out/messages" | tail -1)
        std_externs="$std_externs --extern noprelude:$crate=$file"
    done
    std_externs="$std_externs -Zunstable-options"
fi
failed=0
count=0
if [ $# = 0 ]; then
    set -- $(cd "$here" && ls *.rs | sed 's/\.rs$//')
fi
for name in "$@"; do
    count=$((count + 1))
    expected=$(sed -n '1s,^// \([^:]*\):.*,\1,p' "$here/$name.rs")
    status=0
    $rustc --edition 2024 --crate-type lib --emit metadata --target $target -o "$out/$name.rmeta" \
        -L dependency="$deps" -L dependency="$out/build/debug/deps" --extern machine="$metadata" $std_externs \
        "$here/$name.rs" 2>"$out/$name.err" || status=$?
    case $expected in
        compiles) [ "$status" = 0 ] && continue ;;
        lifetime) [ "$status" != 0 ] && grep -q 'lifetime may not live long enough' "$out/$name.err" && continue ;;
        *) [ "$status" != 0 ] && grep -q "error\[$expected\]" "$out/$name.err" && continue ;;
    esac
    failed=1
    echo "compile_fail: $name: expected $expected, status $status:" >&2
    sed -n '1,12p' "$out/$name.err" >&2
done
[ "$failed" = 0 ] && echo "compile_fail: $count files as expected"
exit $failed
