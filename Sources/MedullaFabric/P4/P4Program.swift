import CMedullaFabric

/// The P4_16 program of a plan's switches, for the architecture `v1model` (BMv2's `simple_switch`).
///
/// One program serves all switches of a plan; what differs from one to another is in tables, as it is with
/// the kernel's switches: so a network whose sizes stay is replaced without a switch being compiled, and a
/// switch that takes another's layer needs other entries only. Entries come from files of commands and not
/// from the program, because multicast groups are no part of a v1model program either, and a table with
/// `const entries` could not be changed.
///
/// A cell that arrives is sent to the multicast group of its label and of the port that it came by. A switch
/// that computes is a member of the group itself: its copy is recirculated, and makes a pass each time that
/// it comes round, until it is dropped or goes out with the layer's outputs.
struct P4Program {
  let form: P4Form

  var text: String {
    [head, headers, parser, P4Ingress(form: form).text, tail].joined(separator: "\n")
  }

  private var head: String {
    """
    // SPDX-License-Identifier: Apache-2.0
    // Switches of a fabric: see docs/use/fabric-p4.md. Entries are in a file for each switch.
    #include <core.p4>
    #include <v1model.p4>

    const bit<16> CELL = \(p4: FABRIC_ETHERTYPE);
    const bit<4> VERSION = \(FABRIC_VERSION);
    const bit<4> DATA = \(FABRIC_DATA.rawValue);
    const bit<4> ANSWER = \(FABRIC_ANSWER.rawValue);
    const bit<8> HOP_LIMIT = \(FABRIC_HOP_LIMIT);
    const bit<16> CLIENTS = \(form.state.clients);
    // instance_type of a packet that was recirculated.
    const bit<32> ROUND = 4;
    // egress_rid of the copy that stays here.
    const bit<16> HERE = 1;
    // Turned over, the order of signed numbers is that of unsigned ones.
    const bit<64> SIGN = 64w0x8000000000000000;

    """
  }

  private var headers: String {
    """
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
        bit<\(form.regionBits)> bytes;
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

    """
  }

  private var parser: String {
    """
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

    """
  }

  private var tail: String {
    """
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

    """
  }
}

extension DefaultStringInterpolation {
  /// A number as P4 and `simple_switch_CLI` read it.
  mutating func appendInterpolation(p4 value: some BinaryInteger) {
    appendInterpolation("0x" + String(value, radix: 16))
  }
}
