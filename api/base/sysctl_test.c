/* SPDX-License-Identifier: Apache-2.0 */
#include "sysctl.h"

#include "base_test.h"

static void test_spaces(void **state)
{
	static const struct {
		const char *name;
		enum sysctl_space space;
	} cases[] = {
		{ "net.ipv4.ip_forward", SYSCTL_NETWORK },
		{ "net/ipv4/conf/eth0/forwarding", SYSCTL_NETWORK },
		{ "kernel.msgmax", SYSCTL_IPC },
		{ "kernel/shm_rmid_forced", SYSCTL_IPC },
		{ "fs.mqueue.msg_max", SYSCTL_IPC },
		{ "kernel.domainname", SYSCTL_UTS },
		{ "kernel.hostname", SYSCTL_HOST },
		{ "kernel.panic", SYSCTL_HOST },
		{ "kernel.msgmaximum", SYSCTL_HOST },
		{ "vm.swappiness", SYSCTL_HOST },
		{ "network.x", SYSCTL_HOST },
		{ "net", SYSCTL_HOST },
		{ "net.", SYSCTL_HOST },
		{ "net..kernel.panic", SYSCTL_HOST },
		{ "net/../kernel/panic", SYSCTL_HOST },
		{ "/net/ipv4", SYSCTL_HOST },
		{ "", SYSCTL_HOST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sysctl_space(cases[i].name), cases[i].space);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_spaces) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
