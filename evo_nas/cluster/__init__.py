"""A Ray cluster as evo-nas reaches it: from one of its machines, or through its dashboard.

`connection` makes this process part of a cluster, `jobs` sends commands to one by HTTP, `preflight` refuses before
anything is sent what a cluster cannot do, `names` says what runs are called there, `token` keeps the secret that Ray
asks for, and `security_check` looks at who else could use the cluster. Searching there is the business of `sessions`.
"""
