# A script of real work: the same BusyBox binary must print the same bytes on Linux and on Ochre.
# Run by the system tests with an empty directory as $1 and BusyBox's applets first on PATH.
# Everything printed is determined by the script alone: no times, pids, inode numbers or directory order.
set -u
work=$1
cd "$work" || exit 1

section() { echo "== $*"; }

section a tree of a few hundred files
i=0
while [ $i -lt 300 ]; do
  d=tree/d$((i % 7))/e$((i % 13))
  mkdir -p "$d"
  { echo "file number $i"; seq $i $((i + i % 50)); echo "the quick brown fox $((i * 7919 % 1000))"; } >"$d/f$i.txt"
  i=$((i + 1))
done
find tree -type f | wc -l
find tree -type d | sort | md5sum
find tree -name 'f1?.txt' | sort
find tree -type f -size +1k | wc -l
find tree -type f -exec cat {} + | sort | uniq -c | sort -rn -k1,1 -k2 | head -5

section sort uniq awk sed grep
cat $(find tree -type f | sort) >all
wc all
sort -n all | uniq | wc -l
awk '{ words += NF; lines++; n[$1]++ } END { print words, lines, n["the"], n["file"] }' all
awk -F' ' '/quick/ { sum += $5 } END { printf "%d %.3f\n", sum, sum / NR }' all
sed -n 's/quick \(brown\) fox/slow \1 dog/p' all | head -3
sed '/^[0-9]*$/d' all | tr a-z A-Z | tail -3
grep -c '7' all
grep -rl 'number 29[0-9]' tree | sort
cut -d' ' -f3 all | sort | uniq -c | sort -rn | head -3
seq 1 100000 | sort -rn | head -3
seq 1 20000 | md5sum
seq 1 3000 | shuf -n 0 | wc -l
printf 'b 2\na 1\nc 3\n' | sort -k2 -rn
echo "a:b:c" | tr ':' '\n' | tail -n +2 | paste -s -d+

section tar and gzip
tar cf tree.tar tree
gzip -c tree.tar >tree.tar.gz
mkdir out
gunzip -c tree.tar.gz | tar xf - -C out
diff -r tree out/tree && echo same
cat $(find out -type f | sort) | md5sum
tar tzf tree.tar.gz | sort | md5sum
gzip -dc tree.tar.gz | cmp - tree.tar && echo identical
head -c 200000 /dev/zero | gzip | gunzip | md5sum
cp -a out copy && rm -r out && find copy -type f | wc -l
mv copy moved && ls moved && du -a moved >/dev/null && rm -rf moved

section here-documents and expansion
name=world
cat <<EOF
hello $name, $((6 * 7)), $(echo nested $(echo twice))
EOF
cat <<'EOF'
nothing $name expands `here`
EOF
cat <<-EOF
	tabs gone
EOF
for w in one "two three" 'four'; do printf '<%s>' "$w"; done; echo
echo ${name#w} ${name%ld} ${#name} ${missing:-default} ${name:+set}
case $name in w*) echo matched;; *) echo not;; esac
set -- a 'b c' d; echo $# "$2"; shift; echo "$*"
f() { local x=$1; [ "$x" -le 1 ] && echo 1 && return; echo $((x * $(f $((x - 1))))); }
f 10

section jobs, wait, trap, kill
(sleep 0.2; exit 7) & first=$!
(exit 3) & second=$!
wait $second; echo second $?
wait $first; echo first $?
# The shell tells of the signal on stderr only if it was not yet asked for dead children when the command began: that is chance.
sleep 100 & victim=$!
kill $victim; wait $victim 2>/dev/null; echo killed $?
sleep 100 & victim=$!
kill -9 $victim; wait $victim 2>/dev/null; echo killed $?
(trap 'echo trapped; exit 5' TERM; while :; do sleep 0.05; done) & trapper=$!
sleep 0.3; kill -TERM $trapper; wait $trapper; echo trapper $?
(trap 'echo leaving' EXIT; exit 4); echo exit $?
trap 'echo usr1' USR1; kill -USR1 $$; trap - USR1
for n in 1 2 3 4 5 6 7 8; do (echo job $n >job.$n) & done; wait; cat job.1 job.5 job.8
false; echo $?; true; echo $?
sh -c 'exit 9'; echo $?
sh -c 'kill -SEGV $$'; echo $?
nosuchcommand 2>/dev/null; echo $?
{ echo to stderr >&2; echo to stdout; } 2>err; cat err
(echo first; echo second >&2) 2>&1 | sort

section two hundred nested subshells
nest() { if [ $1 -eq 0 ]; then echo bottom; else (nest $(($1 - 1))); fi; }
nest 200

section a pipeline of a hundred stages
stages='cat all'
i=0
while [ $i -lt 98 ]; do stages="$stages | cat"; i=$((i + 1)); done
eval "$stages | md5sum"

section two thousand forks
i=0
while [ $i -lt 2000 ]; do i=$(env expr $i + 1); done
echo $i
i=0
while [ $i -lt 500 ]; do (exit $((i % 200))); [ $? -eq $((i % 200)) ] || echo wrong $i; i=$((i + 1)); done
echo $i

section fifos, links, permissions
mkfifo pipe; (seq 1 1000 >pipe) & awk '{ s += $1 } END { print s }' pipe; wait
ln -s all link; readlink link; wc -l <link; ln all hard; cmp all hard && echo linked
chmod 640 hard; stat -c '%a %s %h' hard
touch -d '2020-01-02 03:04:05' dated; TZ=UTC stat -c '%y' dated | cut -c1-19
dd if=/dev/zero of=zeros bs=1k count=100 2>/dev/null; stat -c %s zeros
dd if=all bs=100 skip=3 count=2 2>/dev/null | md5sum
truncate -s 5000 zeros; wc -c <zeros
od -c -N 20 all; hexdump -C -n 32 all; xxd -l 16 all
head -n 1000 all >part.1; tail -n +1001 all >part.2; cat part.1 part.2 | cmp - all && echo joined
rm part.*; ls | sort
bc <<EOF
2^200
scale=20; 1/7
EOF
echo done
