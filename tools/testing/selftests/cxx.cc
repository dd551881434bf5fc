// SPDX-License-Identifier: GPL-2.0
// A program in C++ that uses libhtw: its header has to be good for that as it is.

#include <libhtw.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

class timer : public htw_cb {
public:
	timer(std::vector<int> &log, int name) : log_(log), name_(name)
	{
		htw_cb_init(this, &timer::fired);
	}

	void arm(struct htw *h, __u64 delay)
	{
		if (htw_cb_after(h, this, delay, 0) < 0 || !htw_cb_id(this))
			std::abort();
	}

private:
	static void fired(struct htw *, struct htw_cb *cb, const struct htw_event *event)
	{
		timer *self = static_cast<timer *>(cb);

		if (HTW_EVENT_TYPE(event->info) == HTW_EVENT_EXPIRED)
			self->log_.push_back(self->name_);
	}

	std::vector<int> &log_;
	int name_;
};

struct htw *open_ring()
{
	struct htw_params params;
	struct htw *h = nullptr;

	htw_params_init(&params);
	params.clock = HTW_CLOCK_VIRTUAL;
	params.ring_entries = 8;
	int err = htw_open(&h, &params);
	if (err) {
		std::fprintf(stderr, "cxx: /dev/htw: %s\n", std::strerror(-err));
		std::exit(1);
	}
	return h;
}

void run_list(struct htw *h)
{
	struct htw_op room[4];
	struct htw_oplist list;

	htw_oplist_init(&list, room, 4);
	htw_prep_after(htw_oplist_add(&list), 1000000, 0, 2);
	htw_prep_at(htw_oplist_add(&list), 2000000, 0, 4);
	htw_prep_every(htw_oplist_add(&list), 3000000, 0, 6);
	htw_prep_advance(htw_oplist_add(&list), 4000000, 0);
	if (htw_submit(h, &list) != 4)
		std::exit(1);
	htw_oplist_reset(&list);
	htw_prep_rearm_after(htw_oplist_add(&list), room[2].id, 1, 0, 8);
	htw_prep_cancel(htw_oplist_add(&list), room[2].id);
	if (htw_submit(h, &list) != 2)
		std::exit(1);
}

unsigned int count_ring(const struct htw_map *map)
{
	const struct htw_event *event;
	__u32 nr, ready;

	htw_ring_for_each(map, nr, ready, event)
		std::printf("cookie %llu\n", event->cookie);
	if (htw_ring_advance(map, ready) || htw_ring_peek(map))
		std::exit(1);
	return nr;
}

} // namespace

int main()
{
	struct htw *h = open_ring();
	std::vector<int> log;
	timer first(log, 1), second(log, 2);

	run_list(h);
	if (count_ring(htw_get_map(h)) != 3)
		return 1;
	second.arm(h, 2000000);
	first.arm(h, 1000000);
	htw_advance(h, 5000000);
	if (htw_dispatch(h, 10) != 2)
		return 1;
	for (int name : log)
		std::printf("timer %d\n", name);
	htw_close(h);
	return 0;
}
