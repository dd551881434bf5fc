# SPDX-License-Identifier: GPL-2.0
#
# Flattens KTAP and holds it against the manifest: see judge.sh. Two inputs,
# the manifest and then the results. POSIX awk: Debian's is mawk.

function fatal(text)
{
	print "judge.awk: " text >"/dev/stderr"
	dying = 1
	exit 2
}

# The kernel's reports can be long; the first lines name the culprit.
function note(line)
{
	if (ndiag < 40)
		diag[ndiag++] = line
}

function forget(	i)
{
	for (i in diag)
		delete diag[i]
	ndiag = 0
}

function record(kind, name, why,	i, line)
{
	line = kind " " label " " name (why == "" ? "" : " (" why ")")
	print line >results
	count[kind]++
	if (kind == "not ok") {
		print line
		for (i = 0; i < ndiag; i++) {
			print "    " diag[i]
			print "# " diag[i] >results
		}
	}
	forget()
}

# One result of a test, seen for the first time.
function judge(ok, name, directive, why)
{
	if (name in seen) {
		record("not ok", name, "ran twice")
		return
	}
	seen[name] = 1
	if (!(name in must))
		record("not ok", name, "not in the manifest")
	else if (ok && directive == "SKIP" && may_skip[name])
		record("skip", name, why)
	else if (!ok || directive != "")
		record("not ok", name, directive (why == "" ? "" : ": " why))
	else
		record("ok", name, "")
}

# "ok 3 - name # SKIP why" into ok, number, name, directive and why.
function split_result(body,	rest, at)
{
	ok = body ~ /^ok /
	rest = body
	sub(/^(not )?ok +/, "", rest)
	number = rest + 0
	sub(/^[0-9]+ */, "", rest)
	sub(/^- */, "", rest)
	directive = why = ""
	at = match(rest, /# *(SKIP|TODO|XFAIL|TIMEOUT|ERROR)/)
	if (at) {
		directive = substr(rest, at + 1)
		rest = substr(rest, 1, at - 1)
		sub(/^ */, "", directive)
		why = directive
		sub(/[^A-Z].*/, "", directive)
		sub(/^[A-Z]+[: ]*/, "", why)
	}
	# What else follows a # is a remark.
	sub(/ +#.*/, "", rest)
	sub(/ +$/, "", rest)
	# kselftest prints the name of a skipped test behind the directive.
	if (rest == "")
		rest = why == "" ? "test-" number : why
	gsub(/[ \t]+/, "_", rest)
	test = rest
}

function open_suite(name)
{
	suite = name
	plan = -1
	ran = bad = 0
	exit_status = 0
}

# Called once per suite that was opened, however it ended.
function close_suite(how)
{
	if (suite == "")
		return
	if (how != "")
		record("not ok", suite, how)
	else if (plan < 0)
		record("not ok", suite, "no plan: how many tests are there?")
	else if (plan != ran)
		record("not ok", suite, "planned " plan " tests, ran " ran)
	else if (plan == 0 && !(suite in suite_skipped))
		record("not ok", suite, "no tests")
	suite = ""
	forget()
}

function take_plan(body)
{
	if (plan >= 0)
		record("not ok", suite, "two plans")
	plan = substr(body, 4) + 0
	if (body ~ /# *SKIP/)
		suite_skipped[suite] = body
}

function take_case(body)
{
	split_result(body)
	ran++
	if (number != ran)
		note("numbered " number ", but it is result " ran)
	if (!ok || number != ran)
		bad++
	judge(ok && number == ran, suite "." test, directive, why)
}

# A file of KUnit results: its own plan, counting suites.
function close_file()
{
	if (file_plan >= 0 && file_plan != file_suites)
		record("not ok", "kunit", "planned " file_plan " suites, ran " file_suites)
	file_plan = -1
	file_suites = 0
}

function end_kunit_suite(body)
{
	split_result(body)
	file_suites++
	if (suite == "") {
		record("not ok", test, directive == "" ? "a suite without a case" : directive ": " why)
		return
	}
	if (suite != test)
		close_suite("ended by the result of " test)
	else if (!ok && !bad)
		close_suite("the suite failed, its cases did not")
	else
		close_suite("")
}

function kunit_line(indent, body)
{
	if (indent == 0 && body ~ /^KTAP version/) {
		close_suite("did not finish")
		close_file()
	} else if (indent == 0 && body ~ /^1\.\.[0-9]/) {
		file_plan = substr(body, 4) + 0
	} else if (indent == 0 && body ~ /^(not )?ok [0-9]/) {
		end_kunit_suite(body)
	} else if (indent == 4 && body ~ /^# Subtest: /) {
		close_suite("did not finish")
		open_suite(substr(body, 12))
	} else if (indent == 4 && suite != "" && body ~ /^1\.\.[0-9]/) {
		take_plan(body)
	} else if (indent == 4 && suite != "" && body ~ /^(not )?ok [0-9]/) {
		take_case(body)
	} else if (body ~ /^kunit: disabled/) {
		record("not ok", "kunit", "KUnit is disabled: no test ran")
	} else if (body !~ /^KTAP version/ && body !~ /^# module: /) {
		note($0)
	}
}

function flat_line(indent, body)
{
	if (indent == 0 && body ~ /^1\.\.[0-9]/)
		take_plan(body)
	else if (indent == 0 && body ~ /^(not )?ok [0-9]/)
		take_case(body)
	else if (body ~ /^Bail out!/)
		record("not ok", suite, body)
	else if (body ~ /^# exit: [0-9]/)
		exit_status = substr(body, 9) + 0
	else if (body !~ /^T?KTAP version/ && body !~ /^TAP version/)
		note($0)
}

# kselftest: 4 is "skipped", and a failure has said so by itself.
function end_flat_suite()
{
	if (!flat)
		return
	if (exit_status != 0 && exit_status != 4 && !bad)
		record("not ok", suite, "exit status " exit_status)
	close_suite("")
	flat = 0
}

function did_not_run(name,	family)
{
	family = name
	while (sub(/\.[^.]*$/, "", family)) {
		if ((family in suite_skipped) && may_skip[name]) {
			record("skip", name, "the whole suite")
			return
		}
	}
	record("not ok", name, "did not run")
}

FNR == 1 {
	input++
}

# The manifest.
input == 1 {
	sub(/#.*/, "")
	if (NF == 0)
		next
	if (NF < 2 || NF > 3 || (NF == 3 && $3 != "may-skip"))
		fatal(FILENAME ":" FNR ": RIG SUITE.CASE [may-skip] expected")
	if ($1 != rig)
		next
	if ($2 in must)
		fatal(FILENAME ":" FNR ": " $2 " is there twice")
	must[$2] = 1
	may_skip[$2] = NF == 3
	order[nmust++] = $2
	next
}

input == 2 && FNR == 1 {
	file_plan = -1
}

/^[ \t]*$/ {
	next
}

# It has to be the last line: a guest that says more had not finished.
{
	verdict = ""
}

/^htw-vm: verdict / {
	verdict = $0
	next
}

/^# suite:/ {
	if (!flat)
		close_suite("did not finish")
	end_flat_suite()
	if (NF == 3) {
		forget()
		open_suite($3)
		flat = 1
	}
	next
}

{
	indent = match($0, /[^ ]/) - 1
	body = substr($0, indent + 1)
	if (flat)
		flat_line(indent, body)
	else
		kunit_line(indent, body)
}

END {
	if (dying)
		exit 2
	if (!nmust)
		record("not ok", "manifest", "it has no test for the rig " rig)
	if (flat)
		end_flat_suite()
	else
		close_suite("did not finish")
	close_file()

	if (status ~ /^timeout/)
		record("not ok", "guest", "hung, and was killed after " substr(status, 9) " s")
	else if (status != "exit 0")
		record("not ok", "guest", "QEMU: " status)
	if (guest && verdict == "" && status == "exit 0")
		record("not ok", "guest", "died without a verdict")
	else if (guest && verdict != "" && verdict != "htw-vm: verdict pass")
		record("not ok", "guest", substr(verdict, 9))

	for (i = 0; i < nmust; i++)
		if (!(order[i] in seen))
			did_not_run(order[i])

	printf "%s: %d passed, %d failed%s\n", label, count["ok"], count["not ok"],
	       count["skip"] ? ", " count["skip"] " skipped" : ""
	exit count["not ok"] > 0
}
