#!/bin/sh
# SPDX-License-Identifier: MIT
# What the command says where there is neither a VM nor a memory device: keys, arguments, and output that can't be
# written.
# usage: test_alone.sh SCWATCHER SCWATCHERD PROGRAM (one that sign takes)
set -eu

scwatcher=$(realpath "$1")
scwatcherd=$(realpath "$2")
tiny=$(realpath "$3")
work=$(mktemp -d)
activated=
trap 'kill $activated 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

# says STATUS WORDS COMMAND...
says()
{
	expected=$1 words=$2 status=0
	shift 2
	"$@" >out 2>message || status=$?
	if [ "$status" -ne "$expected" ] || ! grep -q "$words" message; then
		echo "alone: $*: status $status instead of $expected, or not \"$words\":" >&2
		cat message >&2
		exit 1
	fi
}

# full COMMAND...: doesn't end well when what it prints can't be written
full()
{
	status=0
	"$@" >/dev/full 2>message || status=$?
	[ "$status" -ne 0 ] || { echo "alone: $* >/dev/full: status 0" >&2; exit 1; }
}

"$scwatcher" keys device --new device.key >out
"$scwatcher" keys identity --new me.key >out
full "$scwatcher" --help
full "$scwatcher" --version
full "$scwatcher" list --help
full "$scwatcher" list
full "$scwatcher" list --json
full "$scwatcher" keys show me.key
full "$scwatcherd" --help
full "$scwatcherd" --version
says 1 "standard output: No space left" sh -c '"$0" keys show me.key >/dev/full' "$scwatcher"

# both files of a pair, or none
echo mine >x.pub
says 1 "not overwriting x.pub" "$scwatcher" keys device --new x.key
[ ! -e x.key ] || { echo "alone: half a pair of keys was left" >&2; exit 1; }
says 2 "name its file" env -u HOME -u XDG_CONFIG_HOME "$scwatcher" keys identity --new
says 6 "/etc/passwd holds no key" "$scwatcher" keys show /etc/passwd
says 3 "can't open .* nofile" "$scwatcher" keys show nofile
says 3 "nofile can't be opened" "$scwatcher" inspect nofile
says 3 "no memory device answers" "$scwatcher" sessions --control nofile
says 6 "holds no device-public key" "$scwatcher" cat --sealed --device-key me.key --identity me.key vm version
# where home is, is for others to make; what is below it isn't
says 1 "can't write a key" env -u XDG_CONFIG_HOME HOME="$work/home" "$scwatcher" keys identity --new
[ ! -e home ] || { echo "alone: a home folder was made" >&2; exit 1; }
mkdir home
env -u XDG_CONFIG_HOME HOME="$work/home" "$scwatcher" keys identity --new >out
XDG_CONFIG_HOME="$work/config" "$scwatcher" keys identity --new >out
[ -e home/.config/scwatcher/identity.key ] && [ -e config/scwatcher/identity.key ]
chmod 644 me.key
says 4 "others may open it" "$scwatcher" keys show me.key
chmod 600 me.key

says 2 "no value for --freshness: x" "$scwatcher" cat --sealed --freshness x vm version
says 2 "no value for --sealed: rin" "$scwatcher" cat --sealed=rin vm version
says 3 '"sessions" is out of range: 1 to 4096' "$scwatcherd" --sessions 0

# Which file is loaded doesn't depend on where and by what name it was called: not by what lies about here.
mkdir -p here lib/scwatcher
other=$(find /usr/lib -name libm.so.6 -print -quit)
cp "$other" here/libscwatcher-sealed.so
cp "$other" lib/scwatcher/libscwatcher-sealed.so
cp device.pub me.key here
cd here
says 3 "can't reach a memory device at" env "PATH=$(dirname "$scwatcher"):$PATH" "$(basename "$scwatcher")" \
	cat --sealed --device none.sock --device-key device.pub --identity me.key vm version
cd ..

options="--device-key device.pub --identity me.key vm"
# shellcheck disable=SC2086 # several words
says 1 "is a folder" "$scwatcher" cat --sealed --device . $options version
# shellcheck disable=SC2086
says 1 "is no folder" "$scwatcher" cat --sealed=pread --device me.key $options version

# a device that can't have both of its sockets leaves none behind
cat >policy.conf <<EOF
identities = ( { name = "me"; type = "development"; vms = [ "*" ];
	key = "$(sed -n 's/^identity-public //p' me.pub)"; } );
EOF
chmod 644 policy.conf
says 1 "is there and no socket" "$scwatcherd" --user nobody --key device.key --policy policy.conf \
	--socket "$work/device.sock" --control "$work/me.pub"
[ ! -e device.sock ] || { echo "alone: a socket was left that nobody listens at" >&2; exit 1; }

# nor does one take away what it was given, or leave what it made beside that
if command -v systemd-socket-activate >/dev/null; then
	systemd-socket-activate --seqpacket -l "$work/given.sock" --fdname=device "$scwatcherd" --user nobody \
		--key device.key --policy policy.conf --control "$work/control.sock" 2>given.log &
	activated=$!
	for _ in $(seq 200); do [ -e given.sock ] && break || sleep 0.05; done
	# shellcheck disable=SC2086
	says 3 "no VM is called" "$scwatcher" cat --sealed --device given.sock $options version
	kill $activated
	wait $activated || true
	activated=
	[ -e given.sock ] && [ ! -e control.sock ] || { echo "alone: $(ls): not what should be left" >&2; exit 1; }
fi

# or goes on when what serves its files has ended, be it before anybody looked
for _ in 1 2 3 4 5 6 7 8 9 10; do
	says 1 "what serves .*none has ended" timeout 20 "$scwatcherd" --user nobody --key device.key \
		--policy policy.conf --socket "$work/device.sock" --control "$work/control.sock" --mount "$work/none"
done

# What wasn't written whole isn't left, options that make no sense aren't the defaults.
openssl genrsa -3 -out sign.pem 3072 2>message
says 1 "can't be 0" "$scwatcher" sign --key sign.pem --threads 0 "$tiny" image
says 1 "isn't a date: YYYYMMDD" "$scwatcher" sign --key sign.pem --date 20261399 "$tiny" image
"$scwatcher" sign --key sign.pem --unchecked-code "$tiny" image >out 2>message || { cat message >&2; exit 1; }
rm image
says 1 "image can't be written" sh -c 'trap "" XFSZ; prlimit --fsize=10000 "$@"' sh "$scwatcher" sign --key sign.pem --unchecked-code "$tiny" image
[ ! -e image ] || { echo "alone: half an image was left" >&2; exit 1; }
