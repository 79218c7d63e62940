import MedullaSnapshot

/// What the classifier of `caravan-packets` tells apart, by what, and what its agents go by.
enum PacketClasses {
  /// Categories as nDPI names them.
  static let all: [(name: String, categories: [String])] = [
    ("web", ["Web", "Cloud", "SocialNetwork", "Collaborative", "Advertisement", "Email", "Shopping"]),
    ("calls", ["VoIP", "Chat"]),
    ("tunnel", ["VPN", "RemoteAccess"]),
    ("network", ["Network", "System", "IoT-Scada", "RPC", "Database"]),
    ("media", ["Download", "Media", "Video", "Streaming", "Music", "Game", "DataTransfer"]),
  ]

  /// Of each phase, captures of which classes it has.
  static let phases: [Set<Int>] = [[0, 3], [0, 1], [1, 2], [0, 3, 4], [0, 1, 2, 3, 4]]

  /// Without ports, and without times, which a stream of another pace has not.
  static let features: [InputFeature] = ApplicationInputs.behaviour.filter { feature in
    !["duration", "gap_"].contains { "\(feature)".contains($0) }
  }

  /// nDPI's map, as JSON.
  static var map: String {
    let entries = all.flatMap { each in each.categories.map { "\"category:\($0)\": \"\(each.name)\"" } }
    return "{\(entries.joined(separator: ", "))}"
  }

  /// Well-known ports of each class.
  static let ports: [(name: String, ports: [String])] = [
    ("web", ["80", "443/tcp", "8080", "25", "110", "143", "993"]),
    ("calls", ["5060-5062", "3478-3481", "19302-19309", "5222"]),
    ("tunnel", ["22", "500", "1194", "1723", "3389", "4500", "5900", "51820"]),
    ("network", ["53", "67-68", "123", "137-138", "161-162", "502", "1900", "3306", "5353", "5355"]),
    ("media", ["20-21", "554", "1935", "6881-6889", "27015-27050"]),
  ]
}
