/* generated, do not edit */
#pragma once

extern const char cleat_test_v1_openapi[];
