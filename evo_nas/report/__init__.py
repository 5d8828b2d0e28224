"""The report of a run: one HTML file that needs no network, and every figure of it as SVG and PNG.

`search_figures` shows how the search went, `task_figures` what the champion does on the task, and `page` puts both
beside the verdict. A figure is a Vega-Lite specification whose colours are roles: the page gives each role its colour
for light and dark, and a file of its own the colours for paper.
"""
