/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory behind store buffers: included by models that define ADDRESSES and CPUS.
 *
 * What a CPU stores goes to its buffer, and from there to memory at any later time: in
 * order (TSO, as on x86), or with WEAK in any order but for stores to one address and
 * store-releases, which come behind all that the CPU has stored before (as on arm64). A
 * CPU sees its own stores at once. That a CPU loads ahead of time is not modelled: that
 * is what the litmus tests are for.
 */
chan buffer[CPUS] = [6] of { byte, byte, bool };

byte memory[ADDRESSES];

/* What a CPU has stored last, if any of its stores to an address is in the buffer. */
typedef own { byte nr[ADDRESSES]; byte last[ADDRESSES] };
own mine[CPUS];

inline store_as(cpu, addr, val, release)
{
	atomic {
		nfull(buffer[cpu]) ->
		buffer[cpu]!addr, val, release;
		mine[cpu].nr[addr]++;
		mine[cpu].last[addr] = val
	}
}

inline store(cpu, addr, val)		{ store_as(cpu, addr, val, false) }
inline store_release(cpu, addr, val)	{ store_as(cpu, addr, val, true) }

#define LOAD(cpu, addr)	\
	(mine[cpu].nr[addr] -> mine[cpu].last[addr] : memory[addr])

/* smp_mb(). Who lets go of a lock waits for the same: the next one sees it all. */
#define DRAINED(cpu)	empty(buffer[cpu])

inline reach_memory(cpu)
{
	mine[cpu].nr[addr]--;
	memory[addr] = val;
	if
	:: !mine[cpu].nr[addr] -> mine[cpu].last[addr] = 0
	:: else
	fi;
	addr = 0; val = 0; release = 0
}

/* What is in the buffer of a CPU goes to memory. */
proctype flusher(byte cpu)
{
	byte addr, val;
	bool release;

end:	do
#ifdef WEAK
	:: atomic {
		nempty(buffer[cpu]) ->
		select(addr : 0 .. ADDRESSES - 1);
		if
		:: buffer[cpu]??[eval(addr), val, 0] && mine[cpu].nr[addr] == 1 ->
			buffer[cpu]??eval(addr), val, 0
		:: buffer[cpu]?[eval(addr), val, release] ->
			buffer[cpu]?eval(addr), val, release
		:: else -> goto end
		fi;
		reach_memory(cpu)
	   }
#else
	:: atomic {
		buffer[cpu]?addr, val, release ->
		reach_memory(cpu)
	   }
#endif
	od
}
