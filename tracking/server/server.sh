#!/usr/bin/env bash
# A team's tracking server on plain Debian, no containers: MLflow with logins on a PostgreSQL of its own.
#
#   server.sh start FOLDER            makes what is missing, serves until Ctrl-C or SIGTERM
#   server.sh backup FOLDER FILE.tar  database, logins and artifacts, while it serves or not
#   server.sh restore FOLDER FILE.tar into a new folder; then start it
#
# Needs: apt install postgresql; pip install "rnaexp[server]" (its environment must be active).
# PORT (5000), DATABASE_PORT (5433), HOST (127.0.0.1) and ALLOWED_HOSTS may be set.
set -euo pipefail
umask 077

verb=${1:?start, backup or restore}
folder=$(realpath -m "${2:?the folder of the server}")
database_port=${DATABASE_PORT:-5433}
data=$folder/database/data
PATH=$PATH:$(find /usr/lib/postgresql -maxdepth 2 -name bin 2> /dev/null | sort -V | tail -1) || true

missing() { echo "server.sh: missing: $1" >&2; exit 69; }
command -v initdb > /dev/null || missing 'PostgreSQL: apt install postgresql'

# PostgreSQL refuses to run as root.
unprivileged() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

make_secrets() {
  mkdir -p "$folder"
  chmod 711 "$folder"
  [ -e "$folder/secrets" ] || python -c 'import secrets
for name in "PGPASSWORD", "MLFLOW_AUTH_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY":
    print(f"export {name}={secrets.token_hex(24)}")' > "$folder/secrets"
}

make_database() {
  mkdir -p "$folder/database"
  printf '%s\n' "$PGPASSWORD" > "$folder/database/password"
  [ "$(id -u)" != 0 ] || chown -R postgres "$folder/database"
  unprivileged initdb -D "$data" --username=mlflow --pwfile="$folder/database/password" \
    --auth=scram-sha-256 --encoding=UTF8 > /dev/null
  rm "$folder/database/password"
}

database_runs() { unprivileged pg_ctl -D "$data" status > /dev/null; }

start_database() {
  unprivileged pg_ctl -D "$data" -l "$folder/database/log" -w start > /dev/null \
    -o "-p $database_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
}

stop_database() { unprivileged pg_ctl -D "$data" -m fast -w stop > /dev/null; }

make_logins() {
  cat > "$folder/logins.ini" <<END
[mlflow]
database_uri = postgresql+psycopg://mlflow:$PGPASSWORD@127.0.0.1:$database_port/logins
admin_username = admin
default_permission = EDIT
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
END
}

# Before the first run: two `mlflow run` that come to a new server at once both create it, and one of them dies.
make_experiment() {
  export MLFLOW_TRACKING_URI=http://127.0.0.1:${PORT:-5000} MLFLOW_TRACKING_USERNAME=admin
  export MLFLOW_TRACKING_PASSWORD=$MLFLOW_AUTH_ADMIN_PASSWORD
  until (exec 3<> "/dev/tcp/127.0.0.1/${PORT:-5000}") 2> /dev/null; do
    kill -0 $server 2> /dev/null || return 0
    sleep 1
  done
  rnaexp doctor --server || true
}

serve() {
  export MLFLOW_AUTH_CONFIG_PATH=$folder/logins.ini
  # In the environment, not on the command line, where every user of the machine could read the password.
  export MLFLOW_BACKEND_STORE_URI=postgresql+psycopg://mlflow:$PGPASSWORD@127.0.0.1:$database_port/mlflow
  export MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
  python -m mlflow server --app-name basic-auth --host "${HOST:-127.0.0.1}" --port "${PORT:-5000}" \
    --allowed-hosts "${ALLOWED_HOSTS:-localhost:*,127.0.0.1:*}" --artifacts-destination "$folder/artifacts" &
  server=$!
  make_experiment &
  trap 'kill $server 2> /dev/null || true' INT TERM
  wait $server || wait $server || true  # the first one ends with the signal, the second with the server
}

case $verb in
  start)
    python -c 'import flask_wtf, psycopg' 2> /dev/null || missing 'the extra "server": pip install "rnaexp[server]"'
    make_secrets
    . "$folder/secrets"
    [ -e "$data" ] || make_database
    start_database
    trap stop_database EXIT
    for name in mlflow logins; do
      createdb -h 127.0.0.1 -p "$database_port" -U mlflow "$name" 2> /dev/null || true
    done
    make_logins
    serve
    ;;
  backup)
    file=$(realpath -m "${3:?the file to write}")
    . "$folder/secrets"
    database_runs || { start_database; trap stop_database EXIT; }
    for name in mlflow logins; do
      pg_dump -h 127.0.0.1 -p "$database_port" -U mlflow -Fc -f "$folder/$name.dump" "$name"
    done
    mkdir -p "$folder/artifacts"
    tar -C "$folder" -cf "$file" mlflow.dump logins.dump artifacts
    rm "$folder/mlflow.dump" "$folder/logins.dump"
    ;;
  restore)
    file=$(realpath "${3:?the file of a backup}")
    [ ! -e "$folder/secrets" ] || { echo "$folder holds a server already: restore into a new folder" >&2; exit 1; }
    make_secrets
    . "$folder/secrets"
    make_database
    start_database
    trap stop_database EXIT
    tar -C "$folder" -xf "$file"
    for name in mlflow logins; do
      createdb -h 127.0.0.1 -p "$database_port" -U mlflow "$name"
      pg_restore -h 127.0.0.1 -p "$database_port" -U mlflow -d "$name" --no-owner "$folder/$name.dump"
      rm "$folder/$name.dump"
    done
    ;;
  *)
    echo "$verb: start, backup or restore" >&2
    exit 2
    ;;
esac
