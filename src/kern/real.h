/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file real.h
 * @brief The number type of the mathematics: float, or double in one test build.
 *
 * kern and nn are written against ps_real. The program is built with float;
 * tests build the same sources a second time with PS_REAL_DOUBLE, so that
 * gradients can be compared with finite differences.
 */
#ifndef PS_KERN_REAL_H
#define PS_KERN_REAL_H

#ifdef PS_REAL_DOUBLE
typedef double ps_real;
#else
typedef float ps_real;
#endif

#endif
