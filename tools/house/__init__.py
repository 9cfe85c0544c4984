"""`make house`: the figures of the code's structure, beside the first version's and the goals.

figure     a figure with its goal, and the table
source     the tree that is measured: modules, packages, docstrings, lines
sizes      the largest class and module, lines of code, docstring summaries, the README
rules      retries in the rules, run state without a lock
naming     modules that name one property
calls      one Create, traced
scenario   that Create, in a process of its own
outside    private names of MiniStack, what goes into the function's zip
"""
