#!/usr/bin/env bash
# One search on the nodes of a Slurm job: sbatch cluster/slurm.sh CONFIG RUN
#
# At the end of its time the job stops the search, queues itself again and goes on where it was; so it does
# when the first node is lost. The loss of another node costs what was being trained there.
#SBATCH --job-name=evo-nas
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=08:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --open-mode=append
# shellcheck disable=SC2329 # the functions are called by traps
set -euo pipefail

config=${1:?usage: sbatch cluster/slurm.sh CONFIG RUN}
run=${2:?usage: sbatch cluster/slurm.sh CONFIG RUN, where RUN is in a directory that all nodes share}

export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
export RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=1 # nodes end when the search has ended, or go on elsewhere
export RAY_AUTH_TOKEN_PATH=$PWD/.ray-token-$SLURM_JOB_ID # in the directory of submission, which the nodes share
# Jobs may share nodes: each has a port of its own.
address=$(hostname --all-ip-addresses | cut --delimiter=' ' --fields=1):$((20000 + SLURM_JOB_ID % 10000))
export address

running=()
leave() {
    [ ${#running[@]} = 0 ] || kill "${running[@]}" 2>/dev/null || true
    wait
    rm --force "$RAY_AUTH_TOKEN_PATH"
}
trap leave EXIT

evo-nas token

# The batch script runs on the first node of the job, which is therefore the head.
# shellcheck disable=SC2016 # each node expands this
srun --overlap --kill-on-bad-exit=0 bash -c '
    if [ "$SLURM_PROCID" = 0 ]; then
        exec ray start --head --block --node-ip-address="${address%:*}" --port="${address#*:}" \
            --num-cpus="$SLURM_CPUS_PER_TASK" --include-dashboard=false
    fi
    exec ray start --block --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK"' &
running+=($!)

until (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; do
    kill -0 "${running[0]}" # the script ends here if Ray does not start
    sleep 1
done

evo-nas search "$config" --address "$address" --run "$run" &
search=$!
running=("$search" "${running[@]}")

stopping=no
stop_and_queue_again() {
    stopping=yes
    timeout 80 evo-nas stop "$run" --address "$address" || kill "$search" 2>/dev/null || true
}
trap stop_and_queue_again USR1

status=0
wait "$search" || status=$?
if [ $stopping = yes ]; then
    # The signal ended the wait, not the search. The job has two minutes in all to be queued again, and what is
    # committed is safe: a search that does not end by itself is killed.
    for _ in {1..20}; do
        kill -0 "$search" 2>/dev/null || break
        sleep 1
    done
    kill -KILL "$search" 2>/dev/null || true
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
exit "$status"
