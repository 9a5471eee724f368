# SPDX-License-Identifier: MIT
# For a shell in an enclave: each pipe, subshell and substitution is a process or more. Built-in commands, cat, wc and
# grep; it ends with 3.
count=0
for word in one two three; do
	echo "$word"
done | while read -r word; do
	count=$((count + 1))
	echo "$count $word"
done | grep -v two | {
	cat
	echo "end $count"
}
echo "$(echo inner | cat) $(for i in 1 2 3; do echo "$i"; done | wc -l | cat)"
(exit 5)
echo "subshell $? $(
	count=7
	echo "$count"
) $count"
# more than a pipe has room for: who writes waits for who reads
i=0
while [ $i -lt 3000 ]; do
	i=$((i + 1))
	echo "0123456789012345678901234567890123456789"
done | while read -r line; do
	[ "${line#01234567}" != "$line" ] && echo "${#line}"
done | wc -l
# nobody reads to the end
i=0
while [ $i -lt 3000 ] && echo "$i"; do
	i=$((i + 1))
done 2>/dev/null | {
	read -r first
	echo "first $first"
}
# at once, in no order but that of waiting
(exit 4) &
one=$!
(exit 6) &
two=$!
wait $two
echo "second $?"
wait $one
echo "first $?"
trap 'echo bye' EXIT
cat <<TEXT
here $count
TEXT
exit 3
