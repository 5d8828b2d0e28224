"""Access to a Ray cluster, from one of its machines or over HTTP through its dashboard.

`connection` joins a cluster, `jobs` sends commands to it over HTTP, `preflight` finds problems before a search is sent,
`names` defines the names of runs and managers, `token` keeps the secret that Ray requires, and `security_check` finds
out whether others could use the cluster. The package `sessions` runs searches there.
"""
