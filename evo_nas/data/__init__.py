"""Data from files and from a program, read into plain arrays and examples, before any task gives them a meaning.

- **Readers.** `csv_files`, `json_files`, `arff_files`, `array_files`, `audio_files`, `ts_files`, `text_files`,
  `token_files` and `huggingface` read one format each, and `table_files` any table; `frames` and `memory` take what a
  program holds. All refuse what they cannot use with one `DataError` that says where the problem is and what to do.
- **Columns.** `guesses` and `settled_columns` decide which columns are read, `series_columns` those of series.
- **Order.** `time`, `steps` and `series_rows` bring rows into the order of time, onto regular steps.
- **Inputs.** `holes` and `features` make the inputs of a network of values that may be missing; `scaling` and
  `vocabulary` learn their statistics from the training part only.
- **Parts.** `splitting`, `series` and `panel` cut what was read into a training, a validation and a test part.
- **Options.** `options`, `series_options` and `paths` hold the types of the options that name files.

This room knows no task, no network and no configuration file.
"""
