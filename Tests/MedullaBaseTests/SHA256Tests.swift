import Testing

@testable import MedullaBase

@Suite("SHA-256 and hexadecimal digits")
struct SHA256Tests {
  @Test(
    "digests are those of FIPS 180-4's examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func examples(text: String, digest: String) {
    #expect(SHA256.hash(Array(text.utf8)).hexadecimal == digest)
  }

  @Test("bytes in pieces, a number among them, give the digest of the whole")
  func pieces() {
    var hash = SHA256()
    hash.update(Array("ab".utf8))
    let half = hash
    hash.update(UInt64(0x63))
    #expect(hash.finalize() == SHA256.hash([0x61, 0x62, 0x63, 0, 0, 0, 0, 0, 0, 0]))
    #expect(half.finalize() == SHA256.hash(Array("ab".utf8)), "a copy goes its own way")
  }

  @Test(
    "hexadecimal digits are read back; anything else is none", arguments: ["", "00ff7A", "0", "0g", " 0"])
  func digits(text: String) {
    let bytes = [UInt8](hexadecimal: text)
    let isGood = text.count.isMultiple(of: 2) && text.allSatisfy(\.isHexDigit)
    #expect(bytes?.hexadecimal == (isGood ? text.lowercased() : nil))
  }
}
