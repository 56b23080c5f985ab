#!/bin/sh
# Makes the certificates of the TLS tests anew, with openssl; the results are committed, so this
# runs only when one of them has to change. The keys protect nothing: they are public.
#
#   ca             signs all the others but untrusted-ca
#   server         localhost, 127.0.0.1, ::1; signed with SHA-256
#   server-sha384  the same names, signed with SHA-384 (channel binding follows that hash)
#   elsewhere      db.example.com, where no server of the tests is
#   client         common name "certified", for certificate authentication
#   client.encrypted.key   the same key, passphrase "secret"
#   untrusted-ca   has signed nothing
#   empty.crl, revoked.crl   the authority's revocations: none, and the certificate "server"
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ca.cnf" <<END
[ca]
default_ca = here
[here]
database = $work/index
new_certs_dir = $work
rand_serial = yes
policy = names
default_startdate = 20200101000000Z
default_enddate = 21200101000000Z
[names]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
[elsewhere]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:db.example.com
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
END

# certificate NAME COMMON-NAME DIGEST EXTENSIONS SIGNER
certificate() {
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" -config "$work/ca.cnf" -out "$work/request"
  : >"$work/index"
  case $5 in
  itself) signer="-selfsign -keyfile $1.key" ;;
  *) signer="-cert $5.crt -keyfile $5.key" ;;
  esac
  # shellcheck disable=SC2086
  openssl ca -batch -notext -config "$work/ca.cnf" -md "$3" -extensions "$4" $signer \
    -in "$work/request" -out "$1.crt"
}

certificate ca "mahout test authority" sha256 authority itself
certificate untrusted-ca "mahout untrusted authority" sha256 authority itself
certificate server localhost sha256 server ca
certificate server-sha384 localhost sha384 server ca
certificate elsewhere db.example.com sha256 elsewhere ca
certificate client certified sha256 client ca
openssl pkcs8 -topk8 -in client.key -v2 aes-256-cbc -passout pass:secret -out client.encrypted.key
rm untrusted-ca.key

revocations() {
  openssl ca -config "$work/ca.cnf" -md sha256 -gencrl -cert ca.crt -keyfile ca.key \
    -crl_lastupdate 20200101000000Z -crl_nextupdate 21200101000000Z -out "$1"
}

: >"$work/index"
revocations empty.crl
openssl ca -config "$work/ca.cnf" -md sha256 -cert ca.crt -keyfile ca.key -revoke server.crt
revocations revoked.crl
