/* SPDX-License-Identifier: Apache-2.0 */
#include "statsparse.h"

#include <stdlib.h>
#include <string.h>

#include "base_test.h"

static int setup(void **state)
{
	*state = malloc(sizeof(Cleat__V1__StatsSample));
	cleat__v1__stats_sample__init(*state);
	return 0;
}

static int teardown(void **state)
{
	cleat__v1__stats_sample__free_unpacked(*state, NULL);
	return 0;
}

static void test_numbers(void **state)
{
	static const char text[] = "usage_usec 12\nuser_usec 5\nnr_periods 7";

	(void)state;
	assert_int_equal(statsparse_number("4096\n"), 4096);
	assert_true(statsparse_number("max\n") == UINT64_MAX);
	assert_int_equal(statsparse_number(""), 0);
	assert_int_equal(statsparse_key(text, "usage_usec"), 12);
	assert_int_equal(statsparse_key(text, "nr_periods"), 7);
	assert_int_equal(statsparse_key(text, "usec"), 0);
	assert_int_equal(statsparse_key("", "usec"), 0);
}

static void test_memory(void **state)
{
	Cleat__V1__StatsSample *s = *state;

	assert_int_equal(statsparse_memory("cache 10\nrss 20\nodd\ninactive_file 7\n", s), 0);
	assert_int_equal(s->n_memory_stat, 3);
	assert_string_equal(s->memory_stat[2]->key, "inactive_file");
	assert_int_equal(s->memory_stat[2]->value, 7);
}

static void test_per_cpu(void **state)
{
	Cleat__V1__StatsSample *s = *state;

	assert_int_equal(statsparse_per_cpu("11 22 33 \n", s), 0);
	assert_int_equal(s->n_per_cpu_ns, 3);
	assert_int_equal(s->per_cpu_ns[2], 33);
}

/* Bytes and operations of an operation meet in one entry; the sum of all devices has no device. */
static void test_blkio(void **state)
{
	Cleat__V1__StatsSample *s = *state;

	assert_int_equal(
		statsparse_blkio("8:0 Read 4096\n8:0 Write 8192\n8:16 Read 1\nTotal 1\n", false, s),
		0);
	assert_int_equal(statsparse_blkio("8:0 Read 3\n8:0 Write 4\n8:16 Read 5\n", true, s), 0);
	assert_int_equal(s->n_blocks, 3);
	assert_int_equal(s->blocks[0]->bytes, 4096);
	assert_int_equal(s->blocks[0]->operations, 3);
	assert_int_equal(s->blocks[2]->minor, 16);
	assert_int_equal(s->block_read_bytes, 4097);
	assert_int_equal(s->block_write_bytes, 8192);
}

static void test_io(void **state)
{
	Cleat__V1__StatsSample *s = *state;

	/* a device's line may have nothing of a kind */
	assert_int_equal(statsparse_io("8:0 rbytes=4096 wbytes=8 rios=1 wios=2 dbytes=9 dios=9\n"
				       "8:16 dbytes=0\n"
				       "254:0 rbytes=1 rios=1\n",
				       s),
			 0);
	assert_int_equal(s->n_blocks, 6);
	assert_string_equal(s->blocks[1]->operation, "write");
	assert_int_equal(s->blocks[1]->bytes, 8);
	assert_int_equal(s->blocks[1]->operations, 2);
	assert_int_equal(s->blocks[2]->bytes, 0);
	assert_int_equal(s->block_read_bytes, 4097);
	assert_int_equal(s->block_write_bytes, 8);
}

static void test_network(void **state)
{
	static const char text[] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		"packets "
		"errs drop fifo colls carrier compressed\n"
		"    lo:     100       1    0    0    0     0          0         0      100       "
		"1 "
		"   0    0    0     0       0          0\n"
		"  eth0:    1000      10    1    2    3     4          5         6     2000      "
		"20 "
		"   7    8    9    10      11         12\n";
	Cleat__V1__StatsSample *s = *state;

	assert_int_equal(statsparse_network(text, s), 0);
	assert_int_equal(s->n_networks, 1);
	assert_string_equal(s->networks[0]->interface, "eth0");
	assert_int_equal(s->networks[0]->rx_bytes, 1000);
	assert_int_equal(s->networks[0]->rx_dropped, 2);
	assert_int_equal(s->networks[0]->tx_bytes, 2000);
	assert_int_equal(s->networks[0]->tx_dropped, 8);
}

/* The kernel takes any bytes, a message does not. */
static void test_odd_interface(void **state)
{
	static const char text[] =
		"a\xff\xfe"
		"b: 1 2 3 4 0 0 0 0 5 6 7 8\n\xc3\xa9: 9 0 0 0 0 0 0 0 0 0 0 0\n";
	Cleat__V1__StatsSample *s = *state;

	assert_int_equal(statsparse_network(text, s), 0);
	assert_int_equal(s->n_networks, 2);
	assert_string_equal(s->networks[0]->interface, "a??b");
	assert_int_equal(s->networks[0]->tx_bytes, 5);
	assert_string_equal(s->networks[1]->interface, "\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_per_cpu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blkio, setup, teardown),
		cmocka_unit_test_setup_teardown(test_io, setup, teardown),
		cmocka_unit_test_setup_teardown(test_network, setup, teardown),
		cmocka_unit_test_setup_teardown(test_odd_interface, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
