/* SPDX-License-Identifier: Apache-2.0 */
/* so that the folder is a library until its first unit is there */
extern int ps_placeholder;
