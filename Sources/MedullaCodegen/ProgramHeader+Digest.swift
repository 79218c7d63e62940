import Foundation
import MedullaBase
import MedullaSnapshot

extension ProgramHeader {
  /// Counts up with every change of the text that a shape gives; a test holds it to the reviewed texts.
  package static let revision = 3

  /// SHA-256 by which programs of one shape are told from those of another, without writing the C.
  ///
  /// Equal digests mean equal texts: of the shape, in JSON with its keys sorted, and of `revision`.
  package static func digest(of shape: ProgramShape) throws -> [UInt8] {
    var hash = SHA256()
    hash.update(Array("header \(revision)\n".utf8))
    hash.update(try JSONText.line(shape))
    return hash.finalize()
  }
}
