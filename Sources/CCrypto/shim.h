/* SPDX-License-Identifier: Apache-2.0 */
/* The system's libcrypto, of which only SHA-256 is used. */
#pragma once
#include <openssl/evp.h>
