// SPDX-License-Identifier: Apache-2.0
// Switches of a fabric: see docs/use/fabric-p4.md. Entries are in a file for each switch.
#include <core.p4>
#include <v1model.p4>

const bit<16> CELL = 0x88b5;
const bit<4> VERSION = 1;
const bit<4> DATA = 1;
const bit<4> ANSWER = 2;
const bit<8> HOP_LIMIT = 64;
const bit<16> CLIENTS = 4;
// instance_type of a packet that was recirculated.
const bit<32> ROUND = 4;
// egress_rid of the copy that stays here.
const bit<16> HERE = 1;
// Turned over, the order of signed numbers is that of unsigned ones.
const bit<64> SIGN = 64w0x8000000000000000;

header link_t {
    bit<48> destination;
    bit<48> source;
    bit<16> protocol;
}

header cell_t {
    bit<4> version;
    bit<4> kind;
    bit<8> hops;
    bit<16> model;
    bit<16> epoch;
    bit<16> label;
    bit<16> client;
    bit<32> inference;
    bit<16> chunk;
    bit<16> chunks;
    bit<16> length;
    bit<8> attempt;
    bit<8> zero;
    bit<16> checksum;
    bit<16> pass;
    bit<64> time;
}

// The front of the payload, as far as some cell of the network means something; zeros follow.
header data_t {
    bit<128> bytes;
}

struct headers_t {
    link_t link;
    cell_t cell;
    data_t data;
}

struct meta_t {
    // What a cell takes with it from one round to the next.
    @field_list(1)
    bit<16> pass;
    @field_list(1)
    bit<1> in_tail;
    @field_list(1)
    bit<64> best;
    @field_list(1)
    bit<64> answer;
    // Of this round alone.
    bit<1> again;
    bit<1> sends;
    bit<1> turns;
    bit<1> begins;
    bit<1> ends;
    bit<1> is_wide;
    bit<1> compares;
    bit<16> came_by;
    bit<8> part;
    bit<32> place;
    bit<32> neuron;
    bit<16> inputs;
    bit<16> terms;
    bit<64> value;
    bit<64> low;
    bit<64> high;
}

parser CellParser(packet_in packet, out headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.link);
        transition select(hdr.link.protocol) {
            CELL: parse_cell;
            default: accept;
        }
    }
    state parse_cell {
        packet.extract(hdr.cell);
        transition select(hdr.cell.version) {
            VERSION: parse_data;
            default: accept;
        }
    }
    state parse_data {
        packet.extract(hdr.data);
        transition accept;
    }
}

control CellVerify(inout headers_t hdr, inout meta_t meta) {
    apply { }
}

control CellIngress(inout headers_t hdr, inout meta_t meta,
                    inout standard_metadata_t standard_metadata) {
    // By slot and part: whose it is, and which of its cells have arrived.
    register<bit<64>>(64) owners;
    register<bit<64>>(64) arrived;
    // By slot and neuron: the partial sum, how many inputs are in it, and whose it is.
    register<bit<64>>(128) tags;
    register<bit<64>>(128) sums;
    register<bit<16>>(128) counts;

    action drop() {
        mark_to_drop(standard_metadata);
    }

    action to_group(bit<16> group) {
        standard_metadata.mcast_grp = group;
    }

    // The cell is of inputs of a part of a layer that is here.
    action take(bit<8> part, bit<32> place, bit<16> inputs) {
        meta.part = part;
        meta.place = place;
        meta.inputs = inputs;
    }

    // The next elements times the weights of a neuron.
    action sum(bit<32> neuron, bit<16> terms, bit<1> turns, bit<1> ends,
               bit<1> s0, bit<8> w0,
               bit<1> s1, bit<8> w1,
               bit<1> s2, bit<8> w2,
               bit<1> s3, bit<8> w3) {
        bit<64> total = 0;
        bit<64> x0 = ((bit<64>) (hdr.data.bytes[127:120]) ^ 64w0x80) - 64w0x80;
        bit<64> p0 = ((x0 << 0) & (64w0 - (bit<64>) w0[0:0]))
                + ((x0 << 1) & (64w0 - (bit<64>) w0[1:1]))
                + ((x0 << 2) & (64w0 - (bit<64>) w0[2:2]))
                + ((x0 << 3) & (64w0 - (bit<64>) w0[3:3]))
                + ((x0 << 4) & (64w0 - (bit<64>) w0[4:4]))
                + ((x0 << 5) & (64w0 - (bit<64>) w0[5:5]))
                + ((x0 << 6) & (64w0 - (bit<64>) w0[6:6]))
                + ((x0 << 7) & (64w0 - (bit<64>) w0[7:7]));
        bit<64> m0 = 64w0 - (bit<64>) s0;
        total = total + ((p0 ^ m0) - m0);
        bit<64> x1 = ((bit<64>) (hdr.data.bytes[119:112]) ^ 64w0x80) - 64w0x80;
        bit<64> p1 = ((x1 << 0) & (64w0 - (bit<64>) w1[0:0]))
                + ((x1 << 1) & (64w0 - (bit<64>) w1[1:1]))
                + ((x1 << 2) & (64w0 - (bit<64>) w1[2:2]))
                + ((x1 << 3) & (64w0 - (bit<64>) w1[3:3]))
                + ((x1 << 4) & (64w0 - (bit<64>) w1[4:4]))
                + ((x1 << 5) & (64w0 - (bit<64>) w1[5:5]))
                + ((x1 << 6) & (64w0 - (bit<64>) w1[6:6]))
                + ((x1 << 7) & (64w0 - (bit<64>) w1[7:7]));
        bit<64> m1 = 64w0 - (bit<64>) s1;
        total = total + ((p1 ^ m1) - m1);
        bit<64> x2 = ((bit<64>) (hdr.data.bytes[111:104]) ^ 64w0x80) - 64w0x80;
        bit<64> p2 = ((x2 << 0) & (64w0 - (bit<64>) w2[0:0]))
                + ((x2 << 1) & (64w0 - (bit<64>) w2[1:1]))
                + ((x2 << 2) & (64w0 - (bit<64>) w2[2:2]))
                + ((x2 << 3) & (64w0 - (bit<64>) w2[3:3]))
                + ((x2 << 4) & (64w0 - (bit<64>) w2[4:4]))
                + ((x2 << 5) & (64w0 - (bit<64>) w2[5:5]))
                + ((x2 << 6) & (64w0 - (bit<64>) w2[6:6]))
                + ((x2 << 7) & (64w0 - (bit<64>) w2[7:7]));
        bit<64> m2 = 64w0 - (bit<64>) s2;
        total = total + ((p2 ^ m2) - m2);
        bit<64> x3 = ((bit<64>) (hdr.data.bytes[103:96]) ^ 64w0x80) - 64w0x80;
        bit<64> p3 = ((x3 << 0) & (64w0 - (bit<64>) w3[0:0]))
                + ((x3 << 1) & (64w0 - (bit<64>) w3[1:1]))
                + ((x3 << 2) & (64w0 - (bit<64>) w3[2:2]))
                + ((x3 << 3) & (64w0 - (bit<64>) w3[3:3]))
                + ((x3 << 4) & (64w0 - (bit<64>) w3[4:4]))
                + ((x3 << 5) & (64w0 - (bit<64>) w3[5:5]))
                + ((x3 << 6) & (64w0 - (bit<64>) w3[6:6]))
                + ((x3 << 7) & (64w0 - (bit<64>) w3[7:7]));
        bit<64> m3 = 64w0 - (bit<64>) s3;
        total = total + ((p3 ^ m3) - m3);
        meta.neuron = neuron;
        meta.terms = terms;
        meta.turns = turns;
        meta.ends = ends;
        meta.value = total;
    }

    action requantize(bit<64> bias, bit<19> multiplier, bit<8> shift,
                      bit<64> low, bit<64> high) {
        bit<64> total = meta.value + bias;
        bit<64> product = ((total << 0) & (64w0 - (bit<64>) multiplier[0:0]))
            + ((total << 1) & (64w0 - (bit<64>) multiplier[1:1]))
            + ((total << 2) & (64w0 - (bit<64>) multiplier[2:2]))
            + ((total << 3) & (64w0 - (bit<64>) multiplier[3:3]))
            + ((total << 4) & (64w0 - (bit<64>) multiplier[4:4]))
            + ((total << 5) & (64w0 - (bit<64>) multiplier[5:5]))
            + ((total << 6) & (64w0 - (bit<64>) multiplier[6:6]))
            + ((total << 7) & (64w0 - (bit<64>) multiplier[7:7]))
            + ((total << 8) & (64w0 - (bit<64>) multiplier[8:8]))
            + ((total << 9) & (64w0 - (bit<64>) multiplier[9:9]))
            + ((total << 10) & (64w0 - (bit<64>) multiplier[10:10]))
            + ((total << 11) & (64w0 - (bit<64>) multiplier[11:11]))
            + ((total << 12) & (64w0 - (bit<64>) multiplier[12:12]))
            + ((total << 13) & (64w0 - (bit<64>) multiplier[13:13]))
            + ((total << 14) & (64w0 - (bit<64>) multiplier[14:14]))
            + ((total << 15) & (64w0 - (bit<64>) multiplier[15:15]))
            + ((total << 16) & (64w0 - (bit<64>) multiplier[16:16]))
            + ((total << 17) & (64w0 - (bit<64>) multiplier[17:17]))
            + ((total << 18) & (64w0 - (bit<64>) multiplier[18:18]));
        bit<64> sign = 64w0 - (bit<64>) product[63:63];
        meta.value = (((product ^ sign) >> shift) ^ sign) ^ SIGN;
        meta.low = low;
        meta.high = high;
    }

    // One value of the layer goes into the cell.
    action collect(bit<32> neuron, bit<1> is_wide, bit<1> begins, bit<1> ends) {
        meta.neuron = neuron;
        meta.is_wide = is_wide;
        meta.begins = begins;
        meta.ends = ends;
    }

    // One value of the layer is compared with the largest so far; `answer` stands for its place.
    action compare(bit<32> neuron, bit<64> answer, bit<1> begins, bit<1> ends) {
        meta.compares = 1;
        meta.neuron = neuron;
        meta.value = answer;
        meta.begins = begins;
        meta.ends = ends;
    }

    action send(bit<4> kind, bit<16> label, bit<16> chunk, bit<16> chunks, bit<16> length) {
        hdr.cell.kind = kind;
        hdr.cell.hops = HOP_LIMIT;
        hdr.cell.label = label;
        hdr.cell.chunk = chunk;
        hdr.cell.chunks = chunks;
        hdr.cell.length = length;
        hdr.cell.checksum = 0;
        meta.pass = 0;
        meta.in_tail = 0;
        meta.came_by = 0;
        meta.sends = 1;
    }

    table ways {
        key = {
            hdr.cell.model: exact;
            hdr.cell.epoch: exact;
            hdr.cell.label: exact;
            meta.came_by: exact;
        }
        actions = { to_group; drop; }
        default_action = drop();
        size = 4096;
    }

    table cells {
        key = {
            hdr.cell.model: exact;
            hdr.cell.epoch: exact;
            hdr.cell.label: exact;
            hdr.cell.chunk: exact;
            hdr.cell.chunks: exact;
            hdr.cell.length: exact;
        }
        actions = { take; drop; }
        default_action = drop();
        size = 4096;
    }

    table passes {
        key = {
            meta.part: exact;
            hdr.cell.chunk: exact;
            meta.pass: exact;
        }
        actions = { sum; drop; }
        default_action = drop();
        size = 65536;
    }

    table neurons {
        key = {
            meta.part: exact;
            meta.neuron: exact;
        }
        actions = { requantize; drop; }
        default_action = drop();
        size = 65536;
    }

    table tails {
        key = {
            meta.part: exact;
            meta.pass: exact;
        }
        actions = { collect; compare; drop; }
        default_action = drop();
        size = 65536;
    }

    table outputs {
        key = {
            meta.part: exact;
        }
        actions = { send; drop; }
        default_action = drop();
        size = 256;
    }

    apply {
        if (!hdr.data.isValid() || (hdr.cell.kind != DATA && hdr.cell.kind != ANSWER)
            || hdr.cell.hops > HOP_LIMIT || hdr.cell.zero != 0 || hdr.cell.pass != 0
            || hdr.cell.chunk >= hdr.cell.chunks) {
            drop();
        } else {
            if (standard_metadata.instance_type != ROUND) {
                if (hdr.cell.hops != 0) {
                    hdr.cell.hops = hdr.cell.hops - 1;
                    hdr.cell.checksum = 0;
                    meta.came_by = (bit<16>) standard_metadata.ingress_port;
                    meta.sends = 1;
                }
            } else if (hdr.cell.client < CLIENTS && hdr.cell.kind == DATA) {
                if (cells.apply().hit) {
                    bit<32> slot = ((bit<32>) hdr.cell.client << 3)
                        | (hdr.cell.inference & 0x7);
                    bit<64> tag = 8w1 ++ hdr.cell.epoch ++ hdr.cell.inference ++ hdr.cell.attempt;
                    bit<32> row = (slot << 1) | (bit<32>) meta.part;
                    bit<64> owner;
                    owners.read(owner, row);
                    bit<1> is_ours = 0;
                    if (meta.pass != 0 || meta.in_tail == 1) {
                        if (owner == tag) {
                            is_ours = 1;
                        }
                    } else {
                        // Of one client, what was asked for later takes the slot.
                        bit<40> ahead = tag[39:0] - owner[39:0];
                        bit<64> chunks = 0;
                        if (owner == tag) {
                            arrived.read(chunks, row);
                            is_ours = 1;
                        } else if (owner == 0 || ahead[39:39] == 0) {
                            owners.write(row, tag);
                            is_ours = 1;
                        }
                        // A cell that was doubled on its way counts once.
                        bit<64> chunk = 64w1 << (bit<8>) hdr.cell.chunk;
                        if (is_ours == 1 && (chunks & chunk) == 0) {
                            arrived.write(row, chunks | chunk);
                        } else {
                            is_ours = 0;
                        }
                    }
                    bit<32> first = (slot << 2) + meta.place;
                    if (is_ours == 1 && meta.in_tail == 0) {
                        if (passes.apply().hit) {
                            bit<32> at = first + meta.neuron;
                            bit<64> whose;
                            bit<16> count = 0;
                            bit<64> before = 0;
                            tags.read(whose, at);
                            if (whose == tag) {
                                counts.read(count, at);
                                sums.read(before, at);
                            }
                            count = count + meta.terms;
                            meta.value = before + meta.value;
                            if (count == meta.inputs) {
                                neurons.apply();
                                if (meta.value < meta.low) {
                                    meta.value = meta.low;
                                } else if (meta.value > meta.high) {
                                    meta.value = meta.high;
                                }
                                meta.value = meta.value ^ SIGN;
                            }
                            tags.write(at, tag);
                            counts.write(at, count);
                            sums.write(at, meta.value);
                            meta.again = 1;
                            meta.pass = meta.pass + 1;
                            if (meta.ends == 1) {
                                meta.pass = 0;
                                meta.in_tail = 1;
                                // Whose last pass makes no neuron whole is done.
                                if (count != meta.inputs) {
                                    meta.again = 0;
                                }
                            }
                        }
                    } else if (is_ours == 1) {
                        if (tails.apply().hit) {
                            bit<64> value;
                            sums.read(value, first + meta.neuron);
                            if (meta.begins == 1) {
                                hdr.data.bytes = 0;
                            }
                            if (meta.compares == 1) {
                                // Of equal ones the last that comes is the first of all.
                                if (meta.begins == 1 || (value ^ SIGN) >= (meta.best ^ SIGN)) {
                                    meta.best = value;
                                    meta.answer = meta.value;
                                }
                                value = meta.answer;
                                meta.is_wide = 1;
                            }
                            if (meta.compares == 0 || meta.ends == 1) {
                                if (meta.is_wide == 1) {
                                    hdr.data.bytes = value[7:0]
                                        ++ value[15:8]
                                        ++ value[23:16]
                                        ++ value[31:24]
                                        ++ value[39:32]
                                        ++ value[47:40]
                                        ++ value[55:48]
                                        ++ value[63:56]
                                        ++ hdr.data.bytes[127:64];
                                } else {
                                    hdr.data.bytes = value[7:0]
                                        ++ hdr.data.bytes[127:8];
                                }
                            }
                            meta.pass = meta.pass + 1;
                            meta.again = 1;
                            if (meta.ends == 1) {
                                meta.again = 0;
                                outputs.apply();
                            }
                        }
                    }
                }
            }
            if (meta.sends == 1) {
                ways.apply();
            } else if (meta.again == 1) {
                // Any port that is there: the egress sends it round.
                standard_metadata.egress_spec = 1;
            } else {
                drop();
            }
        }
    }
}

control CellEgress(inout headers_t hdr, inout meta_t meta,
                   inout standard_metadata_t standard_metadata) {
    apply {
        if (meta.again == 1 || standard_metadata.egress_rid == HERE) {
            recirculate_preserving_field_list(1);
        }
    }
}

control CellChecksum(inout headers_t hdr, inout meta_t meta) {
    apply { }
}

control CellDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.link);
        packet.emit(hdr.cell);
        packet.emit(hdr.data);
    }
}

V1Switch(CellParser(), CellVerify(), CellIngress(), CellEgress(), CellChecksum(), CellDeparser()) main;
