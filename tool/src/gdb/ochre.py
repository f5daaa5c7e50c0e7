"""Commands for GDB on a running, stopped or hung Ochre kernel: rings, counters, threads, page tables.

Loaded by `ochre gdb`; by hand: `gdb ochre-kernel.debug -ex 'source ochre.py' -ex 'target remote :1234'`. Everything is found through
the header at the symbol `ochre_layout` (wire/src/layout.rs says what its words are), so that no debug information is needed.
"""

import collections
import re
import struct

import gdb

WORDS = (
    "magic version own direct_map page_table ticks_per_second cpus rings slot_words counters counter_count"
    " counter_names probes probe_count threads thread_next thread_number thread_name thread_reason thread_call thread_run"
    " thread_stack saved_frame saved_return symbols image argument_bytes argument_name argument_kind running switches switch_count"
    " log log_bytes log_end thread_base held_count held held_bytes held_most held_class held_lock held_site class_name class_rank"
    " site site_file site_line"
).split()
MAGIC = int.from_bytes(b"ochredmp", "little")
VERSION = 3


def symbol(name):
    """A symbol's address, in whatever language GDB thinks."""
    found = re.search(r"0x[0-9a-f]+", gdb.execute("info address " + name, to_string=True))
    if not found:
        raise gdb.GdbError("there is no symbol " + name)
    return int(found.group(), 16)


def memory(address, count):
    return bytes(gdb.selected_inferior().read_memory(address, count))


def word(address):
    return struct.unpack("<Q", memory(address, 8))[0]


def words(address, count):
    return struct.unpack("<%dQ" % count, memory(address, 8 * count))


def text(address, count):
    return memory(address, min(count, 4096)).decode("utf-8", "replace") if count else ""


class Layout:
    """The header's words by name."""

    def __init__(self):
        address = symbol("ochre_layout")
        try:
            values = words(address, len(WORDS))
        except gdb.MemoryError:
            raise gdb.GdbError("the kernel's memory is not mapped yet: let it run to ochre_program_starts first")
        self.__dict__.update(zip(WORDS, values))
        if self.magic != MAGIC:
            raise gdb.GdbError("the kernel has not filled its header yet: let it run to ochre_program_starts first")
        if self.version != VERSION:
            raise gdb.GdbError("the header is of version %d, this script knows %d" % (self.version, VERSION))

    def probe_names(self):
        """By number: a probe's name, and the names of its arguments."""
        names = {}
        for index in range(self.probe_count):
            number, provider, provider_bytes, name, name_bytes, first, count = words(self.probes + 56 * index, 7)
            places = [first + self.argument_bytes * index + self.argument_name for index in range(count)]
            arguments = [text(*words(place, 2)) for place in places]
            names[number] = text(provider, provider_bytes) + ":::" + text(name, name_bytes), arguments
        return names

    def all_threads(self):
        """The address of every thread. A list that was caught in the middle of a change must not keep us here."""
        idle = self.running_threads()
        thread = word(self.threads)
        for _ in range(100000):
            if thread == 0:
                break
            yield thread
            idle = [other for other in idle if other != thread]
            thread = word(thread + self.thread_next)
        # Those that run when no other can are on no list.
        yield from idle

    def running_threads(self):
        """The address of each CPU's thread."""
        return [word(place) for place in words(self.running, self.cpus)]

    def thread_title(self, thread):
        return "thread %d (%s)" % (word(thread + self.thread_number), text(*words(thread + self.thread_name, 2)))

    def held_locks(self, thread):
        """The locks a thread holds or is about to take, oldest first: address, name, rank, where."""
        base = word(thread + self.thread_base)
        (count,) = struct.unpack("<I", memory(base + self.held_count, 4))
        for index in range(min(count, self.held_most)):
            place = base + self.held + self.held_bytes * index
            lock_class, lock, site = (word(place + part) for part in (self.held_class, self.held_lock, self.held_site))
            (rank,) = struct.unpack("<H", memory(lock_class + self.class_rank, 2))
            yield lock, text(*words(lock_class + self.class_name, 2)), rank, self.source(site)

    def source(self, site):
        """`file:line` of a place in the source. How such a place is laid out is found in the example of the header."""
        example = memory(self.site, 24)
        name = words(self.site, 3).index(self.site_file) * 8
        rest = [at for at in range(0, 24, 4) if not name <= at < name + 16]
        line = next(at for at in rest if struct.unpack_from("<I", example, at)[0] == self.site_line)
        return "%s:%d" % (text(*words(site + name, 2)), struct.unpack("<I", memory(site + line, 4))[0])

    def records(self, cpu):
        """The whole records of a CPU, oldest first: index, ticks, head, arguments."""
        written, slots, count = words(self.rings + 24 * cpu, 3)
        if count == 0:
            return
        written = word(written)
        size = 8 * self.slot_words
        ring = memory(slots, size * count)
        for index in range(max(0, written - count), written):
            slot = struct.unpack_from("<%dQ" % self.slot_words, ring, size * (index % count))
            # Anything else is being written, or was overwritten meanwhile.
            if slot[0] == index + 1:
                yield index, slot[1], slot[2], slot[3 : 3 + (slot[2] >> 24 & 0xFF)]


class Rings(gdb.Command):
    """ochre-rings [COUNT]: the last records of each CPU's trace ring, oldest first (all, or so many)."""

    def __init__(self):
        super().__init__("ochre-rings", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        layout = Layout()
        names = layout.probe_names()
        for cpu in range(layout.cpus):
            records = list(layout.records(cpu))
            if argument:
                records = records[-int(argument) :]
            for index, ticks, head, arguments in records:
                name, parts = names.get(head & 0xFFFF, ("%#06x" % (head & 0xFFFF), []))
                parts = [part + "=" for part in parts] + [""] * (len(arguments) - len(parts))
                shown = " ".join("%s%#x" % pair for pair in zip(parts, arguments))
                print("%d %d %d %s thread=%d %s" % (cpu, index, ticks, name, head >> 32, shown))


class Counters(gdb.Command):
    """ochre-counters: the sum over all CPUs of each counter that is not zero."""

    def __init__(self):
        super().__init__("ochre-counters", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        layout = Layout()
        blocks = [words(block, layout.counter_count) for block in words(layout.counters, layout.cpus)]
        for index, values in enumerate(zip(*blocks)):
            if sum(values):
                print("%s %d" % (text(*words(layout.counter_names + 16 * index, 2)), sum(values)))


class Threads(gdb.Command):
    """ochre-threads: every thread of the kernel, what it waits for, and where it goes on."""

    def __init__(self):
        super().__init__("ochre-threads", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        layout = Layout()
        for thread in layout.all_threads():
            reason = text(*words(thread + layout.thread_reason, 2))
            call = word(thread + layout.thread_call)
            said = ", last system call %d" % (call - 1) if call else ""
            waits = ", last waited for %s" % reason if reason else ""
            print("%s: ran %d us%s%s" % (layout.thread_title(thread), word(thread + layout.thread_run) // 1000, said, waits))
            self.stack(layout, word(thread + layout.thread_stack))

    def stack(self, layout, pointer):
        """Where a thread that does not run goes on. Of one that runs this is where it left last; see `info threads`."""
        try:
            frame = word(pointer + layout.saved_frame)
            place = word(pointer + layout.saved_return)
            for _ in range(12):
                symbol = gdb.execute("info symbol %#x" % place, to_string=True).strip()
                print("    %#x %s" % (place, symbol))
                if frame < 1 << 63:
                    break
                frame, place = words(frame, 2)
                if place == 0:
                    break
        except gdb.MemoryError:
            print("    (its stack cannot be read)")


class Locks(gdb.Command):
    """ochre-locks: the locks that threads hold, or are about to take, and where. Innermost locks of the scheduler, of frames and of the
    heap note no holder."""

    def __init__(self):
        super().__init__("ochre-locks", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        layout = Layout()
        held = [(thread, list(layout.held_locks(thread))) for thread in layout.all_threads()]
        counts = collections.Counter(lock for _, locks in held for lock, *_ in locks)
        running = layout.running_threads()
        for thread, locks in held:
            reason = text(*words(thread + layout.thread_reason, 2))
            for index, (lock, name, rank, site) in enumerate(locks):
                # A lock is noted before it is waited for: spinning, or asleep.
                may_wait = index + 1 == len(locks) and counts[lock] > 1 and (thread in running or reason == name)
                verb = "holds or waits for" if may_wait else "holds"
                print("%s %s %s (rank %d, at %#x) taken at %s" % (layout.thread_title(thread), verb, name, rank, lock, site))


class Pages(gdb.Command):
    """ochre-pages ADDRESS: the way of an address, or a symbol's, through the page tables."""

    def __init__(self):
        super().__init__("ochre-pages", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        layout = Layout()
        is_symbol = re.fullmatch(r"[A-Za-z_]\w*", argument)
        address = symbol(argument) if is_symbol else int(gdb.parse_and_eval(argument)) & (1 << 64) - 1
        is_arm = "aarch64" in gdb.selected_inferior().architecture().name()
        if address >> 63:
            table = layout.page_table
        else:
            table = int(gdb.parse_and_eval("$TTBR0_EL1" if is_arm else "$cr3"))
        table &= 0x000FFFFFFFFFF000
        for level in range(4):
            shift = 39 - 9 * level
            entry = word(layout.direct_map + table + 8 * (address >> shift & 511))
            print("level %d: %#018x" % (level, entry))
            if entry & 1 == 0:
                print("%#x is not mapped" % address)
                return
            is_leaf = level == 3 or (entry & 2 == 0 if is_arm else level > 0 and entry & 0x80 != 0)
            table = entry & 0x000FFFFFFFFFF000
            if is_leaf:
                below = (1 << shift) - 1
                print("%#x is at physical address %#x" % (address, table & ~below | address & below))
                return


class Check(gdb.Command):
    """ochre-check [EVENTS]: that the rings hold at least so many records (278), and each CPU's in order of time."""

    def __init__(self):
        super().__init__("ochre-check", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        layout = Layout()
        wanted = int(argument) if argument else 278
        total = 0
        for cpu in range(layout.cpus):
            last = 0
            for index, ticks, _, _ in layout.records(cpu):
                if ticks < last:
                    raise gdb.GdbError("CPU %d: record %d is of %d, after one of %d" % (cpu, index, ticks, last))
                last = ticks
                total += 1
        if total < wanted:
            raise gdb.GdbError("only %d records in the rings, %d wanted" % (total, wanted))
        print("ochre-check: %d records of %d CPUs, each CPU's in order" % (total, layout.cpus))


for command in (Rings, Counters, Threads, Locks, Pages, Check):
    command()
