"""The format ``c``: a champion as one C99 file, without malloc and with no library but ``math.h``.

`file.c_file` writes the whole file. It is put together from `member.Member`, one for each network, of `fronts`,
`layers`, `cells`, `contexts`, `heads` and `shortcuts`, which all write into a `source.Source`; `answers` adds what
leads from raw values to inputs and from outputs to answers. Where a part of a network needs the whole sequence,
`places` reads a window instead of a step.
"""
