/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* How much of a flow whoever tells it by its first packets wants to see: both directions together. */
#ifndef MEDULLA_FIRST_PACKETS_H
#define MEDULLA_FIRST_PACKETS_H

#define FIRST_PACKETS_TCP 80  /* of a flow of TCP; nDPI's own reader takes as many */
#define FIRST_PACKETS_OTHER 24 /* of any other */
#define FIRST_PACKETS_IDLE_S 120 /* after so long a silence a flow of the same ends is another */
#define FIRST_PACKETS_FLOWS 65536 /* that are known at once; the longest silent go */

#endif /* MEDULLA_FIRST_PACKETS_H */
