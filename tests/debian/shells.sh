# bash and dash: jobs, traps, here-documents, process substitution, arrays, a coprocess, pipefail, and coreutils over many files.
set -eu
rm -rf /tmp/shells
mkdir /tmp/shells
cd /tmp/shells
for i in $(seq 1 300); do echo "$i $((i * i))" > file$i; done
test "$(cat file* | mawk '{ sum += $2 } END { print sum }')" = 9045050
test "$(ls | sort -V | tail -n 1)" = file300
test "$(find . -name 'file1*' | wc -l)" = 111
diff <(sort -n -k 2 file* | head -n 3) <(printf '1 1\n2 4\n3 9\n')
coproc cat
echo through >&${COPROC[1]}
read -r line <&${COPROC[0]}
test "$line" = through
kill $COPROC_PID
jobs=()
for i in $(seq 1 20); do
	(sleep 0.0$i; exit $i) &
	jobs+=($!)
done
failed=0
for job in "${jobs[@]}"; do wait $job || failed=$((failed + 1)); done
test $failed = 20
(trap 'exit 9' TERM; kill -TERM $BASHPID; exit 1) || test $? = 9
if (set -o pipefail; false | true); then exit 1; fi
test "$(dash -c 'trap "echo bye" EXIT; echo hi; exit 3' || echo $?)" = "hi
bye
3"
tar -cf - file* | gzip | gunzip | tar -tf - | wc -l | grep -qx 300
seq 1 100000 | sort -R | sort -n | md5sum | cmp - <(seq 1 100000 | md5sum)
cp -r . ../shells_copy
diff -r . ../shells_copy
rm -r ../shells_copy
stat -c '%a %s' file1 | grep -qx '644 4'
timeout 0.2 sleep 100 || test $? = 124
