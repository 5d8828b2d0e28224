"""Files of data, read into plain arrays and examples, before any task gives them a meaning.

`table_files`, `array_files`, `ts_files`, `text_files`, `token_files` and `huggingface` read one format each; all
refuse a file that they cannot use with one `DataError` that says where the problem is and what to do. `splitting`
and `series` cut what was read into a training, a validation and a test part; `scaling` and `vocabulary` learn their
statistics from the training part only. `options` and `paths` hold the types of the options that name files. This
room knows no task, no network and no configuration file.
"""
