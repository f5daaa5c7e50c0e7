# git: init, commits with fixed dates so that their names are known, log, diff, gc, fsck, clone, a branch and its merge.
set -eu
rm -rf /tmp/git /tmp/clone
mkdir /tmp/git
cd /tmp/git
export HOME=/tmp GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z
git init -q -b main .
git config user.email a@b
git config user.name n
for i in $(seq 1 30); do seq $i $((i + 200)) > f$i; done
git add .
git commit -q -m one
for i in 1 2 3; do echo $i >> f$i; git commit -qam "c$i"; done
test "$(git log --oneline --abbrev=7 | cat)" = "acb178e c3
caf38bb c2
fd7dd32 c1
d50bdf1 one"
git gc -q
git fsck --full
test "$(git count-objects -v | grep in-pack)" = "in-pack: 41"
git clone -q . ../clone
test "$(git -C ../clone log --oneline | wc -l)" = 4
git diff HEAD~2 --stat | grep -q '2 files changed, 2 insertions'
git checkout -q -b side HEAD~1
echo side > side
git add side
git commit -q -m side
git checkout -q main
git merge -q -m merged side
test "$(cat side)" = side
git status --porcelain | diff /dev/null -
