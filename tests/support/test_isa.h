/*
 * Tests of kernels call this before anything else: it chooses the instruction set that $HN_ISA names (v2, v3, v4; unset or empty:
 * the best one), as the program does, and fails unless the library then says that it uses it. So the same test runs at each level.
 */
#ifndef TEST_ISA_H
#define TEST_ISA_H

#include "hypernet/core.h"

void test_choose_isa(hn_context *context);

#endif
