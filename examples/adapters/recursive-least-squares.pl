#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
#
# An adapter in Perl, with nothing but what Perl brings: a linear network that follows one outcome of the samples
# by recursive least squares with forgetting. It shows docs/reference/adapter-protocol.md from the other side.
#
#   adapter:
#     kind: command
#     argv: [examples/adapters/recursive-least-squares.pl]
#
# Its network is one dense layer; options: target (column of the outcomes, default 0), scale (what the outcome is
# divided by, default 1), memory (samples that count, default 1000).
use strict;
use warnings;
use JSON::PP;

my %SIZE = (float32 => 4, uint64 => 8, uint8 => 1);
my %CODE = (float32 => 'f<', uint64 => 'Q<', uint8 => 'C');
my $json = JSON::PP->new->utf8->canonical;

open(my $channel, '+<&=', $ENV{MEDULLA_ADAPTER_FD} // die "MEDULLA_ADAPTER_FD is not set\n") or die "channel: $!\n";
binmode $channel;

# Exactly $count bytes; the end of the stream ends this program, as the protocol asks.
sub take {
  my ($count) = @_;
  my $data = '';
  while (length $data < $count) {
    my $read = sysread($channel, $data, $count - length $data, length $data);
    exit 0 if !$read;
  }
  return $data;
}

sub receive {
  my ($header, $payload) = unpack 'V2', take(8);
  my $fields = $json->decode(take($header));
  my ($data, $offset, %tensors) = (take($payload), 0);
  for my $entry (@{ $fields->{tensors} // [] }) {
    my $count = 1;
    $count *= $_ for @{ $entry->{shape} };
    my $length = $count * $SIZE{ $entry->{type} };
    $tensors{ $entry->{name} } = [unpack "$CODE{$entry->{type}}$count", substr $data, $offset, $length];
    $offset += $length;
  }
  return ($fields, \%tensors);
}

# Tensors are [name, shape, values]; all of them float32 here.
sub answer {
  my ($request, $fields, @tensors) = @_;
  my %header = (answer => 'ok', id => $request->{id}, %$fields);
  $header{tensors} = [map { { name => $_->[0], type => 'float32', shape => $_->[1] } } @tensors] if @tensors;
  my $text = $json->encode(\%header);
  my $data = join '', map { pack 'f<*', @{ $_->[2] } } @tensors;
  my $bytes = pack('V2', length $text, length $data) . $text . $data;
  while (length $bytes) {
    my $sent = syswrite($channel, $bytes) // die "channel: $!\n";
    substr($bytes, 0, $sent) = '';
  }
}

my ($inputs, %options, @weights, @inverse);

sub predict { my ($row) = @_; my $sum = $weights[$inputs]; $sum += $weights[$_] * $row->[$_] for 0 .. $inputs - 1; return $sum }

# One sample of recursive least squares: weights and the inverse of the inputs' correlation, with forgetting.
sub follow {
  my ($row, $target) = @_;
  my @x = (@$row, 1);
  my $forget = 1 - 1 / ($options{memory} // 1000);
  my @gain = map { my $line = $_; my $sum = 0; $sum += $line->[$_] * $x[$_] for 0 .. $inputs; $sum } @inverse;
  my $norm = $forget;
  $norm += $gain[$_] * $x[$_] for 0 .. $inputs;
  my $error = $target - predict($row);
  $weights[$_] += $gain[$_] / $norm * $error for 0 .. $inputs;
  for my $i (0 .. $inputs) {
    $inverse[$i][$_] = ($inverse[$i][$_] - $gain[$i] * $gain[$_] / $norm) / $forget for 0 .. $inputs;
    # Directions that no sample shows would grow without end.
    $inverse[$i][$i] = 100 if $inverse[$i][$i] > 100;
  }
  return $error**2;
}

my $loss = 0;
while (1) {
  my ($request, $tensors) = receive();
  my $kind = $request->{request};
  if ($kind eq 'hello') {
    my @layers = @{ $request->{model}{layers} // [] };
    die "this adapter learns one dense layer with one output\n"
      if $request->{outputs} != 1 || @layers != 1 || $layers[0]{kind} ne 'dense';
    $inputs = $request->{inputs};
    %options = %{ $request->{options} };
    @weights = (@{ $tensors->{ $layers[0]{weight} } }, $tensors->{ $layers[0]{bias} }[0]);
    @inverse = map { my $i = $_; [map { $_ == $i ? 100 : 0 } 0 .. $inputs] } 0 .. $inputs;
    answer($request, { protocol => 1 });
  } elsif ($kind eq 'adapt') {
    my $count = $request->{samples};
    my ($sum, $used, $column) = (0, 0, $options{target} // 0);
    my $width = $count ? @{ $tensors->{outcomes} } / $count : 0;
    # Samples may lack the outcome.
    for my $n ($column < $width ? 0 .. $count - 1 : ()) {
      my @row = @{ $tensors->{features} }[$n * $inputs .. ($n + 1) * $inputs - 1];
      my $target = $tensors->{outcomes}[$n * $width + $column] / ($options{scale} // 1);
      next if abs($target) > 1e6;    # One absurd outcome would undo all that was learned.
      $sum += follow(\@row, $target);
      $used++;
    }
    $loss = $sum / $used if $used;
    answer($request, { stability => $loss + 0, figures => { loss => $loss + 0, samples => $count + 0 } });
  } elsif ($kind eq 'evaluate') {
    my @values = @{ $tensors->{inputs} };
    my $count = @values / $inputs;
    my @outputs = map { predict([@values[$_ * $inputs .. ($_ + 1) * $inputs - 1]]) } 0 .. $count - 1;
    answer($request, {}, ['outputs', [$count, 1], \@outputs]);
  } elsif ($kind eq 'freeze') {
    my $model = {
      format => 'layers', name => 'linear', input => { shape => [$inputs] },
      layers => [{ kind => 'dense', weight => 'weight', bias => 'bias' }],
    };
    answer($request, { model => $model }, ['weight', [1, $inputs], [@weights[0 .. $inputs - 1]]],
      ['bias', [1], [$weights[$inputs]]]);
  } elsif ($kind eq 'close') {
    answer($request, {});
    exit 0;
  } else {
    die "an unknown request $kind\n";
  }
}
