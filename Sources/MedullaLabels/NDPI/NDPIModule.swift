/// What nDPI says of a flow.
package struct NDPIFinding: Sendable, Equatable {
  /// As nDPI writes it: `TLS.YouTube`, `DNS`; empty: nothing is known.
  package let name: String
  /// The application, such as `YouTube`, and what carries it, such as `TLS`; empty: none.
  package let application: String
  package let carrier: String
  /// Such as `Media`; empty: none.
  package let category: String
  /// The name that the client asks for: of HTTP, TLS and QUIC the server's, of DNS the query's; nil: none.
  package let host: String?
  /// Whether it was taken from the ports alone.
  package let isGuessed: Bool

  package var isKnown: Bool { !name.isEmpty }

  package init(
    name: String, application: String, carrier: String, category: String, host: String?, isGuessed: Bool
  ) {
    (self.name, self.application, self.carrier) = (name, application, carrier)
    (self.category, self.host, self.isGuessed) = (category, host, isGuessed)
  }

  package static let nothing = NDPIFinding(
    name: "", application: "", carrier: "", category: "", host: nil, isGuessed: false)
}

/// nDPI's detection: one for all flows, for one thread at a time.
final class NDPIModule {
  typealias Flow = NDPILibrary.Flow

  private let library: NDPILibrary
  private let module: NDPILibrary.Module

  /// - Throws: `missing`, `unknownVersion`, `unfit`.
  init(_ library: NDPILibrary) throws(NDPIError) {
    guard let module = library.start(0) else {
      throw NDPIError(.unfit, "nDPI cannot be set up", remedy: "see whether memory is left")
    }
    self.library = library
    self.module = module
    // All protocols, as bits; the library reads 64 bytes of them.
    let all = [UInt8](repeating: 0xff, count: 256)
    all.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { library.setProtocols(module, start) }
    }
    library.finish(module)
    try checkLayout()
  }

  deinit { library.stop(module) }

  /// That the library takes a protocol apart as it is put together here.
  private func checkLayout() throws(NDPIError) {
    guard let tls = find(protocol: "TLS"), let video = find(protocol: "YouTube") else {
      throw NDPIError(.unfit, "nDPI does not know TLS and YouTube", remedy: "install Debian's libndpi4.2")
    }
    let both = NDPIProtocol(carrier: tls, application: video)
    guard library.upper(both.word) == video, library.lower(both.word) == tls, name(both) == "TLS.YouTube"
    else {
      throw NDPIError(
        .unfit, "nDPI \(library.version) sees other parts in a protocol than are put there",
        remedy: "report this with the processor's kind")
    }
  }

  /// A protocol's number; nil: nDPI has none of that name. Names match in upper and lower case.
  func find(protocol name: String) -> UInt16? {
    let number = library.findProtocol(module, name)
    guard let found = UInt16(exactly: number),
      library.nameNumber(module, found).map({ String(cString: $0).lowercased() }) == name.lowercased()
    else { return nil }
    return found
  }

  func hasCategory(_ name: String) -> Bool { library.findCategory(module, name) >= 0 }

  func begin() -> Flow? { library.allocate(1, Int(library.version.flowBytes)) }

  func end(_ flow: Flow) {
    library.release(flow)
    library.free(flow)
  }

  /// - Parameters:
  ///   - packet: from its network header on.
  ///   - milliseconds: of the packet's clock.
  func take(_ packet: UnsafeRawBufferPointer, of flow: Flow, milliseconds: UInt64) -> NDPIProtocol {
    guard let start = packet.assumingMemoryBound(to: UInt8.self).baseAddress else {
      return NDPIProtocol(carrier: 0, application: 0)
    }
    let length = UInt16(clamping: packet.count)
    return NDPIProtocol(word: library.process(module, flow, start, length, milliseconds))
  }

  /// Whether further packets of a flow may tell more than its protocol, such as its server's name.
  func mayLearnMore(of flow: Flow) -> Bool { library.mayLearnMore(module, flow) != 0 }

  /// What can be said of a flow of which no more packets are looked at.
  ///
  /// - Parameter guesses: whether its ports may tell it, where its packets do not.
  func giveUp(_ flow: Flow, guesses: Bool) -> (found: NDPIProtocol, isGuessed: Bool) {
    var wasGuessed: UInt8 = 0
    let word = library.giveUp(module, flow, guesses ? 1 : 0, &wasGuessed)
    return (NDPIProtocol(word: word), wasGuessed != 0)
  }

  func finding(_ found: NDPIProtocol, of flow: Flow, isGuessed: Bool) -> NDPIFinding {
    guard found.isKnown else { return .nothing }
    let number = library.category(module, found.word)
    let category = number == 0 ? nil : library.nameCategory(module, number).map { String(cString: $0) }
    return NDPIFinding(
      name: name(found), application: name(found.application), carrier: name(found.carrier),
      category: category ?? "", host: host(of: flow, found), isGuessed: isGuessed)
  }

  private func host(of flow: Flow, _ found: NDPIProtocol) -> String? {
    var word = found.word
    let text = library.info(flow, &word).map { String(cString: $0) } ?? ""
    return text.isEmpty ? nil : text
  }

  private func name(_ found: NDPIProtocol) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    let text = library.nameProtocol(module, found.word, &buffer, UInt32(buffer.count))
    return text.map { String(cString: $0) } ?? ""
  }

  private func name(_ number: UInt16) -> String {
    number == 0 ? "" : library.nameNumber(module, number).map { String(cString: $0) } ?? ""
  }
}
