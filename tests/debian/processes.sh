# procps: ps, pgrep, pkill, top, free, uptime, vmstat and w's sources see what is there.
set -eu
nice -n 5 sleep 1234 &
sleeper=$!
until [ "$(cat /proc/$sleeper/comm)" = sleep ]; do :; done
ps -o pid=,ppid=,stat=,args= -p $sleeper | grep -Eq "^ *$sleeper +$$ +S[^ ]* +sleep 1234$"
pgrep -f 'sleep 1234' | grep -qx $sleeper
test "$(ps -e -o pid= | wc -l)" -ge 3
top -b -n 1 | grep -q sleep
free -m | mawk '/^Mem:/ { exit !($2 > 100 && $4 > 0) }'
uptime | grep -q 'load average'
vmstat | tail -n 1 | grep -Eq '^ *[0-9]+ +[0-9]+'
test "$(ps -o nice= -p $sleeper | tr -d ' ')" = 5
pkill -f 'sleep 1234'
wait $sleeper || test $? = 143
