/** Everything that files can be: runs in the directory that is to hold it. */
export const makeTree = String.raw`
set -e
mkdir -p tree/sub/deeper tree/empty 'tree/with blank'
echo one > tree/a; ln tree/a tree/sub/hard; ln tree/a 'tree/with blank/hard too'
head -c 300000 /dev/urandom > tree/sub/data
truncate -s 64M tree/sub/sparse; printf middle | dd of=tree/sub/sparse bs=1 seek=40000000 conv=notrunc status=none
mkfifo tree/pipe; mknod tree/null c 1 3; mknod tree/block b 7 200
ln -s /etc/passwd tree/out; ln -s ../tree/a tree/within; ln -s nowhere tree/dangling; ln -s /etc tree/sub/etc
printf x > "$(printf 'tree/odd\nname \377\t*?[')"
printf y > 'tree/-dash'; printf z > 'tree/"quotes"'"'"'\back'; printf w > tree/äöü
setfattr -n user.note -v "some text" tree/a; setfattr -n trusted.note -v secret tree/sub/data
setfattr -n user.dir -v d tree/sub
setfacl -m u:12345:rw tree/sub/data; setfacl -d -m g:54321:rx tree/sub/deeper
echo inherits > tree/sub/deeper/file
setcap cap_net_raw+ep tree/sub/data
chown 1234:4321 tree/a tree/sub/deeper; chown -h 99:98 tree/out
chmod 4751 tree/sub/data; chmod 1777 tree/empty; chmod 0 tree/äöü
setcap cap_net_raw+ep tree/sub/data
python3 -c "import socket;socket.socket(socket.AF_UNIX).bind('tree/socket')"
touch -h -d '2001-02-03 04:05:06.123456789 UTC' tree/out
touch -d '1999-12-31 23:59:59.987654321 UTC' tree/a tree/sub/deeper tree/sub/sparse
touch -d '2011-11-11 11:11:11.111111111 UTC' tree/sub tree
`;

/** Tells all of a tree, in the directory that is the first word, under the name that is the second. */
export const lookAtTree = String.raw`
cd "$1"; export LC_ALL=C
find "$2" ! -type s -printf '%P|%y|%m|%U|%G|%T@|%l|' \( -type d -printf '-\n' -o -printf '%n|%s\n' \) | sort
find "$2" -type f -print0 | sort -z | xargs -0 sha256sum | sed "s| $2| |"
find "$2" ! -type s -printf '%i %P\n' | sort | awk '{ if ($1==last) same = same " " $0; last=$1 } END { n=split(same, w, " "); print n }'
find "$2" -print0 | sort -z | xargs -0 getfattr --absolute-names -h -d -m - -e hex 2>/dev/null | sed "s|^# file: $2|# |"
find "$2" -name sparse -printf '%b\n' | awk '{ print ($1 < 2048 ? "sparse" : "full") }'
find "$2" \( -type c -o -type b \) -print0 | sort -z | xargs -0 -r stat -c '%t %T'
find "$2" \( -type f -o -type d \) -print0 | sort -z | xargs -0 getfacl --absolute-names -n -P 2>/dev/null | sed "s|^# file: $2|# |"
`;
