# vi without a terminal, and tmux with two windows, vi on a terminal inside one of them: keys are sent, the screen is read.
set -eu
cd /tmp
rm -f edited typed
seq 1 100 > edited
vim.tiny -u NONE -es -c '%s/^5$/five/' -c '10,20d' -c wq edited
test "$(wc -l < edited)" = 89
sed -n 5p edited | grep -qx five
export LC_ALL=C.UTF-8 TERM=xterm
tmux -f /dev/null new-session -d -x 80 -y 24 bash --norc
# The screen changes when the programs have got so far; each step waits for what it needs to see.
shows() { until tmux capture-pane -p | grep -q "$1"; do sleep 0.1; done; }
tmux send-keys 'PS1="ready> "' Enter
shows '^ready>'
tmux send-keys 'echo $((6 * 7)) $(tty)' Enter
shows '^42 /dev/pts/'
tmux send-keys 'vim.tiny -u NONE typed' Enter
shows '^~'
tmux send-keys 'i' 'typed in vi' Escape ':wq' Enter
shows '^ready> *$'
until [ -s typed ]; do sleep 0.1; done
grep -qx 'typed in vi' typed
tmux send-keys 'sleep 1000' Enter
sleep 0.5
tmux send-keys C-c
tmux send-keys 'echo $? again' Enter
shows '^130 again'
tmux new-window 'top'
shows 'load average'
tmux send-keys q
tmux kill-server
