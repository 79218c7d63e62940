/// What happens to a cell in one round.
struct P4Passes {
  let form: P4Form

  private var lastBit: Int { form.regionBits - 1 }

  /// Each table is applied in one place, as BMv2 wants it.
  var text: String {
    """
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
    \(admission)
    \(sums)
    \(tail)
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
    """
  }

  private var admission: String {
    """
                        bit<32> slot = ((bit<32>) hdr.cell.client << \(form.state.slotBits))
                            | (hdr.cell.inference & \(p4: 1 << form.state.slotBits - 1));
                        bit<64> tag = 8w1 ++ hdr.cell.epoch ++ hdr.cell.inference ++ hdr.cell.attempt;
                        bit<32> row = (slot << \(form.state.partBits)) | (bit<32>) meta.part;
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
                        bit<32> first = (slot << \(form.state.neuronBits)) + meta.place;
    """
  }

  private var sums: String {
    """
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
                                }\(turn)
                            }
    """
  }

  /// The first elements move to the end, so that those of the next passes are the first.
  private var turn: String {
    guard form.turns else { return "" }
    let bits = 8 * form.terms * form.elementBytes
    return """

                                  if (meta.turns == 1) {
                                      hdr.data.bytes = hdr.data.bytes[\(lastBit - bits):0]
                                          ++ hdr.data.bytes[\(lastBit):\(lastBit - bits + 1)];
                                  }
      """
  }

  private var tail: String {
    """
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
                                        hdr.data.bytes = \(inserted(bytes: 8));
                                    } else {
                                        hdr.data.bytes = \(inserted(bytes: form.elementBytes));
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
    """
  }

  /// The value's bytes, the lowest first, before what was there.
  private func inserted(bytes: Int) -> String {
    ((0..<bytes).map { "value[\(8 * $0 + 7):\(8 * $0)]" } + ["hdr.data.bytes[\(lastBit):\(8 * bytes)]"])
      .joined(separator: "\n" + String(repeating: " ", count: 40) + "++ ")
  }
}
