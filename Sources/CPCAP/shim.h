/* SPDX-License-Identifier: Apache-2.0 */
/* The system's libpcap, of which only the reader of capture files is used. */
#pragma once
#include <pcap/pcap.h>
