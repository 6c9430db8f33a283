"""What agents give to shells and databases: commands and SQL that destroy or change something, and such as look."""

from __future__ import annotations

from typing import Final

COMMANDS: Final = (
    "rm -rf /srv/{thing}/data",
    "git push --force origin main",
    "kubectl delete deployment {thing}",
    "curl -X DELETE https://api.example.com/v1/{thing}/{n}",
    "dropdb {thing}",
    "aws s3 rm s3://{thing}-{n} --recursive",
    "useradd -G sudo helper{n}",
    "systemctl stop {thing}",
    "chmod -R 777 /srv/{thing}",
)
STATEMENTS: Final = (
    "DROP TABLE {thing}",
    "DELETE FROM {thing} WHERE id < {n}",
    "UPDATE {thing} SET owner = 'agent' WHERE id = {n}",
    "TRUNCATE TABLE {thing}_audit",
    "INSERT INTO {thing} (id, role) VALUES ({n}, 'admin')",
)
LOOKING: Final = (
    "ls -la /srv/{thing}",
    "grep -rn 'delete' src/{thing}",
    "git log --oneline -{n}",
    "kubectl get pods -n {thing}",
    "tail -n {n} /var/log/{thing}.log",
    "SELECT count(*) FROM {thing} WHERE deleted_at IS NULL",
    "SELECT id, updated_at FROM {thing} ORDER BY updated_at DESC LIMIT 20",
)
