//! `--strace`: one text line per call, from the table's row. Off by default; then it costs the one test that the probes cost too.
