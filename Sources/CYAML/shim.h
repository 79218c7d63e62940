/* SPDX-License-Identifier: Apache-2.0 */
/* The system's libyaml, of which only the events of its parser are used. */
#pragma once
#include <yaml.h>
