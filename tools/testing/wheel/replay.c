// SPDX-License-Identifier: GPL-2.0
/*
 * The files of the fuzzer's corpus, each once, without libFuzzer: for mutate.sh, which asks
 * what the corpus alone finds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"

#define MOST	4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	static uint8_t data[MOST];
	size_t size;
	FILE *file;
	int i;

	report_watch(10);
	for (i = 1; i < argc; i++) {
		file = fopen(argv[i], "rb");
		if (!file) {
			perror(argv[i]);
			return 2;
		}
		size = fread(data, 1, sizeof(data), file);
		fclose(file);
		report_alive();
		LLVMFuzzerTestOneInput(data, size);
	}
	return 0;
}
