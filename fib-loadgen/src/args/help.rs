//! Text below the flags: examples of each command, and the exit codes.

const EXIT_CODES: &str = "Exit codes: 0 done and thresholds met, 1 internal error, 2 usage, 90 target not usable, \
91 wrong answer, 92 generator saturated (with --on-saturation fail), 99 threshold failed, 105 interrupted";

/// For the program: the examples of its default command, and the exit codes.
pub(super) fn program() -> String {
    format!("{RUN}\n\n{EXIT_CODES}")
}

pub(super) const RUN: &str = "Examples:
  fib-loadgen http://cart.shop.svc/items --users 50 --check status=200
  fib-loadgen http://fib-server --rate 400/s --run-time 2m \\
    --threshold 'p99<250ms' -o html=load.html
  fib-loadgen run http://fib-server \\
    --profile hpa-step:min=3,max=10,target=50%,request=200m,cost=20ms";

pub(super) const PLAN: &str = "Examples:
  fib-loadgen plan --stage 30s:500 --stage 1m@500
  fib-loadgen plan --profile hpa-staircase:min=2,max=6,cost=20ms
  fib-loadgen plan --profiles";

pub(super) const VERIFY: &str = "Examples:
  fib-loadgen verify http://127.0.0.1:8080
  fib-loadgen verify http://fib-server.default.svc
  fib-loadgen verify https://fib-server --cacert ca.pem";

pub(super) const CAPACITY: &str = "Examples:
  fib-loadgen capacity http://cart.shop.svc/items \\
    --threshold 'p99<250ms' --threshold 'error-rate<1%'
  fib-loadgen capacity http://fib-server --threshold 'p99<100ms' \\
    --start-rate 500/s --max-rate 5000/s
  fib-loadgen capacity http://fib-server --threshold 'p99.9<1s' \\
    --trial 30s --precision 5% --json";

pub(super) const REPORT: &str = "Examples:
  fib-loadgen report load.json
  fib-loadgen report load.json -o html=load.html -o junit=load.xml
  fib-loadgen report pod.log -o md=-";

pub(super) const COMPARE: &str = "Examples:
  fib-loadgen compare before.json after.json
  fib-loadgen compare before.json after.json --tolerance 10%
  fib-loadgen compare before.json after.json --json";

pub(super) const MERGE: &str = "Examples:
  fib-loadgen merge shard-0.json shard-1.json -o json=all.json
  fib-loadgen merge pods.log -o html=all.html
  fib-loadgen merge shard-0.json shard-2.json --partial";

pub(super) const SCHEMA: &str = "Examples:
  fib-loadgen schema
  fib-loadgen schema > fib-loadgen.schema.json
  fib-loadgen schema | jq .properties.totals";

pub(super) const COMPLETIONS: &str = "Examples:
  fib-loadgen completions bash \\
    > ~/.local/share/bash-completion/completions/fib-loadgen
  fib-loadgen completions zsh > ~/.zfunc/_fib-loadgen
  fib-loadgen completions fish > ~/.config/fish/completions/fib-loadgen.fish";

pub(super) const MAN: &str = "Examples:
  fib-loadgen man | man -l -
  fib-loadgen man capacity | man -l -
  fib-loadgen man --to ~/.local/share/man/man1";
