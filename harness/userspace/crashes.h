/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CRASHES_H
#define CRASHES_H

#ifdef __cplusplus
extern "C" {
#endif

/* A crash is a failure like any other. */
void handle_crashes(void);

#ifdef __cplusplus
}
#endif

#endif
