/// The ingress control: admission, passes and ways.
struct P4Ingress {
  let form: P4Form

  private var lastBit: Int { form.regionBits - 1 }

  var text: String {
    """
    control CellIngress(inout headers_t hdr, inout meta_t meta,
                        inout standard_metadata_t standard_metadata) {
    \(registers)
    \(actions)
    \(tables)
    \(body)
    }

    """
  }

  private var registers: String {
    """
        // By slot and part: whose it is, and which of its cells have arrived.
        register<bit<64>>(\(form.state.owners)) owners;
        register<bit<64>>(\(form.state.owners)) arrived;
        // By slot and neuron: the partial sum, how many inputs are in it, and whose it is.
        register<bit<64>>(\(form.state.neurons)) tags;
        register<bit<64>>(\(form.state.neurons)) sums;
        register<bit<16>>(\(form.state.neurons)) counts;

    """
  }

  private var actions: String {
    [
      """
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

      """, sum, requantize, collect,
      """
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

      """,
    ].joined(separator: "\n")
  }

  /// Each element is shifted by the set bits of its weight's magnitude; the sign turns the sum of these.
  private var sum: String {
    let weights = (0..<form.terms).map { "bit<1> s\($0), bit<8> w\($0)" }.joined(
      separator: ",\n               ")
    let terms = (0..<form.terms).map { term in
      let shifts = (0..<ShiftAddSchedule.weightBits).map {
        "((x\(term) << \($0)) & (64w0 - (bit<64>) w\(term)[\($0):\($0)]))"
      }.joined(separator: "\n                + ")
      return """
                bit<64> x\(term) = ((bit<64>) (\(element(term))) ^ \(elementSign)) - \(elementSign);
                bit<64> p\(term) = \(shifts);
                bit<64> m\(term) = 64w0 - (bit<64>) s\(term);
                total = total + ((p\(term) ^ m\(term)) - m\(term));
        """
    }
    return """
          // The next elements times the weights of a neuron.
          action sum(bit<32> neuron, bit<16> terms, bit<1> turns, bit<1> ends,
                     \(weights)) {
              bit<64> total = 0;
      \(terms.joined(separator: "\n"))
              meta.neuron = neuron;
              meta.terms = terms;
              meta.turns = turns;
              meta.ends = ends;
              meta.value = total;
          }

      """
  }

  private var elementSign: String { form.elementBytes == 1 ? "64w0x80" : "64w0x8000" }

  /// Elements lie with their lowest byte first.
  private func element(_ number: Int) -> String {
    (0..<form.elementBytes).reversed().map { byte in
      let first = lastBit - 8 * (number * form.elementBytes + byte)
      return "hdr.data.bytes[\(first):\(first - 7)]"
    }.joined(separator: " ++ ")
  }

  /// (sum + bias) · multiplier >> shift, rounding towards −∞; bounds come with their sign turned over.
  private var requantize: String {
    let shifts = (0..<form.multiplierBits).map {
      "((total << \($0)) & (64w0 - (bit<64>) multiplier[\($0):\($0)]))"
    }.joined(separator: "\n            + ")
    return """
          action requantize(bit<64> bias, bit<\(form.multiplierBits)> multiplier, bit<8> shift,
                            bit<64> low, bit<64> high) {
              bit<64> total = meta.value + bias;
              bit<64> product = \(shifts);
              bit<64> sign = 64w0 - (bit<64>) product[63:63];
              meta.value = (((product ^ sign) >> shift) ^ sign) ^ SIGN;
              meta.low = low;
              meta.high = high;
          }

      """
  }

  private var collect: String {
    """
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

    """
  }

  private var tables: String {
    let size = P4Commands.entryLimit
    return """
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
              size = \(size);
          }

          table neurons {
              key = {
                  meta.part: exact;
                  meta.neuron: exact;
              }
              actions = { requantize; drop; }
              default_action = drop();
              size = \(size);
          }

          table tails {
              key = {
                  meta.part: exact;
                  meta.pass: exact;
              }
              actions = { collect; compare; drop; }
              default_action = drop();
              size = \(size);
          }

          table outputs {
              key = {
                  meta.part: exact;
              }
              actions = { send; drop; }
              default_action = drop();
              size = 256;
          }

      """
  }

  private var body: String { P4Passes(form: form).text }
}
