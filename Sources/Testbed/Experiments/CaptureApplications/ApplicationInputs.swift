import MedullaSnapshot

/// What a network that recognizes applications is told of a flow.
enum ApplicationInputs {
  /// Without ports and addresses, the flow's history with others, and what tells a host rather than an
  /// application, such as the hop limit.
  static let behaviour: [InputFeature] =
    [
      "protocol", "log2(1+duration)", "packets", "packets_forward", "packets_backward",
      "log2(1+bytes_forward)", "log2(1+bytes_backward)", "log2(1+payload_forward)",
      "log2(1+payload_backward)",
      "log2(1+length_forward_minimum)", "log2(1+length_forward_mean)", "log2(1+length_forward_maximum)",
      "log2(1+length_forward_deviation)", "log2(1+length_backward_minimum)", "log2(1+length_backward_mean)",
      "log2(1+length_backward_maximum)", "log2(1+length_backward_deviation)",
      "log2(1+payload_minimum)", "log2(1+payload_maximum)", "log2(1+payload_deviation)",
      "log2(1+gap_forward_mean)", "log2(1+gap_forward_maximum)", "log2(1+gap_backward_mean)",
      "log2(1+gap_backward_maximum)", "log2(1+gap_minimum)", "log2(1+gap_deviation)",
      "data_packets_forward", "data_packets_backward", "pushes_forward", "pushes_backward",
      "syn_flags", "log2(1+window_forward)", "log2(1+window_backward)", "head_bytes", "head_entropy",
      "log2(1+head_1)", "log2(1+head_2)",
    ].compactMap(InputFeature.init)

  /// Which of them is the server's depends on who began.
  static let ports: [InputFeature] =
    ["log2(1+source_port)", "log2(1+destination_port)"].compactMap(InputFeature.init)

  static let all = behaviour + ports

  /// One way of training.
  enum Variant: String, CaseIterable {
    case behaviour
    case ports
    /// Behaviour, and each label that of another flow of the training.
    case shuffled

    var features: [InputFeature] { self == .ports ? ApplicationInputs.all : ApplicationInputs.behaviour }
  }
}
