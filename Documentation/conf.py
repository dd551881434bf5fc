# SPDX-License-Identifier: GPL-2.0
# For Sphinx 5.3; build.sh calls it.

project = 'htw'
author = 'The htw developers'
with open('../VERSION') as file:
    release = version = file.read().strip()

primary_domain = 'c'
highlight_language = 'none'
# Reserved words and attributes of the kernel's C.
c_id_attributes = ['__user']

# Names that are the kernel's or C's: there is no description here to link to.
nitpick_ignore_regex = [
    ('c:identifier', r'(__)?[us](8|16|32|64)|bool|size_t|ssize_t|loff_t|ktime_t'),
    ('c:identifier', r'__poll_t|list_head|lock_class_key|lockdep_map|file'),
    ('c:identifier', r'poll_table_struct|chunk|work_struct|workqueue_struct'),
    ('c:func', r'(ktime|hrtimer|timer|mod|add|del|misc|cpuhp|smp|lock|kvzalloc)_.*'),
    ('c:type', r'chunk|work_func_t'),
]

html_theme = 'alabaster'
html_theme_options = {
    'description': 'timers on per-CPU hierarchical timing wheels',
    'page_width': '70em',
    'fixed_sidebar': True,
}
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
