package main

import "errors"

func madeUpPeople(seed uint64) personMaker {
	return func(int) ([]byte, error) { return nil, errors.New("this build makes up nobody") }
}
